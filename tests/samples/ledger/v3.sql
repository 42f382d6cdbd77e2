-- A ledger as the third version left it: v2.sql, brought up to date.
BEGIN TRANSACTION;
CREATE TABLE attempts (job INTEGER NOT NULL REFERENCES jobs (id), number INTEGER NOT NULL, host INTEGER NOT NULL,
    claimed_at BIGINT NOT NULL, began_at BIGINT, finished_at BIGINT, status TEXT, exit JSON, PRIMARY KEY (job, number));
INSERT INTO "attempts" VALUES(1,1,1,1795525382928,1795525382930,1795525382931,'succeeded','{"how": "exit", "code": 0, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}');
INSERT INTO "attempts" VALUES(2,1,1,1795525382937,1795525382938,1795525382939,'failed','{"how": "exit", "code": 1, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}');
INSERT INTO "attempts" VALUES(3,1,1,1795525382943,1795525382944,1795525382945,'timed_out','{"how": "exit", "code": 1, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}');
INSERT INTO "attempts" VALUES(4,1,1,1795525382950,1795525382951,1795525382952,'errored','{"how": "exit", "code": 1, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}');
INSERT INTO "attempts" VALUES(5,1,1,1795525382957,1795525382958,1795525382959,'failed','{"how": "exit", "code": 1, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}');
INSERT INTO "attempts" VALUES(6,1,1,1795525382963,1795525382964,1795525382965,'succeeded','{"how": "exit", "code": 0, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}');
INSERT INTO "attempts" VALUES(7,1,1,1795525382970,1795525382971,NULL,NULL,NULL);
CREATE TABLE changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, run INTEGER NOT NULL, job INTEGER, at BIGINT NOT NULL);
INSERT INTO "changes" VALUES(1,'recorded',1,NULL,1795525382920);
INSERT INTO "changes" VALUES(2,'prepared',1,NULL,1795525382925);
INSERT INTO "changes" VALUES(3,'began',1,1,1795525382930);
INSERT INTO "changes" VALUES(4,'settled',1,1,1795525382931);
INSERT INTO "changes" VALUES(5,'recorded',2,NULL,1795525382934);
INSERT INTO "changes" VALUES(6,'prepared',2,NULL,1795525382935);
INSERT INTO "changes" VALUES(7,'began',2,2,1795525382938);
INSERT INTO "changes" VALUES(8,'settled',2,2,1795525382939);
INSERT INTO "changes" VALUES(9,'recorded',3,NULL,1795525382940);
INSERT INTO "changes" VALUES(10,'prepared',3,NULL,1795525382942);
INSERT INTO "changes" VALUES(11,'began',3,3,1795525382944);
INSERT INTO "changes" VALUES(12,'settled',3,3,1795525382945);
INSERT INTO "changes" VALUES(13,'recorded',4,NULL,1795525382947);
INSERT INTO "changes" VALUES(14,'prepared',4,NULL,1795525382949);
INSERT INTO "changes" VALUES(15,'began',4,4,1795525382951);
INSERT INTO "changes" VALUES(16,'settled',4,4,1795525382952);
INSERT INTO "changes" VALUES(17,'recorded',5,NULL,1795525382954);
INSERT INTO "changes" VALUES(18,'prepared',5,NULL,1795525382955);
INSERT INTO "changes" VALUES(19,'began',5,5,1795525382958);
INSERT INTO "changes" VALUES(20,'settled',5,5,1795525382959);
INSERT INTO "changes" VALUES(21,'recorded',6,NULL,1795525382960);
INSERT INTO "changes" VALUES(22,'prepared',6,NULL,1795525382962);
INSERT INTO "changes" VALUES(23,'began',6,6,1795525382964);
INSERT INTO "changes" VALUES(24,'settled',6,6,1795525382965);
INSERT INTO "changes" VALUES(25,'recorded',7,NULL,1795525382967);
INSERT INTO "changes" VALUES(26,'prepared',7,NULL,1795525382968);
INSERT INTO "changes" VALUES(27,'began',7,7,1795525382971);
INSERT INTO "changes" VALUES(28,'recorded',8,NULL,1795525382972);
INSERT INTO "changes" VALUES(29,'prepared',8,NULL,1795525382976);
INSERT INTO "changes" VALUES(30,'recorded',9,NULL,1795525382978);
INSERT INTO "changes" VALUES(31,'prepared',9,NULL,1795525382979);
INSERT INTO "changes" VALUES(32,'recorded',10,NULL,1795525382981);
CREATE TABLE commits (run INTEGER NOT NULL REFERENCES runs (id), position INTEGER NOT NULL, sha TEXT NOT NULL,
    author TEXT NOT NULL, email TEXT NOT NULL, subject TEXT NOT NULL, at BIGINT NOT NULL, touches JSON NOT NULL,
    PRIMARY KEY (run, position));
INSERT INTO "commits" VALUES(1,0,'0000000000000000000000000000000000000001','Ana Ruiz','ana@example.org','Use floats for prices',1795000000000,'["api"]');
INSERT INTO "commits" VALUES(2,0,'0000000000000000000000000000000000000002','Ana Ruiz','ana@example.org','Use floats for prices',1795000000000,'["api"]');
INSERT INTO "commits" VALUES(3,0,'0000000000000000000000000000000000000003','Ana Ruiz','ana@example.org','Use floats for prices',1795000000000,'["api"]');
INSERT INTO "commits" VALUES(4,0,'0000000000000000000000000000000000000004','Ana Ruiz','ana@example.org','Use floats for prices',1795000000000,'["api"]');
INSERT INTO "commits" VALUES(5,0,'0000000000000000000000000000000000000005','Ana Ruiz','ana@example.org','Use floats for prices',1795000000000,'["api"]');
INSERT INTO "commits" VALUES(6,0,'0000000000000000000000000000000000000006','Ana Ruiz','ana@example.org','Use floats for prices',1795000000000,'["api"]');
INSERT INTO "commits" VALUES(7,0,'0000000000000000000000000000000000000007','Ana Ruiz','ana@example.org','Use floats for prices',1795000000000,'["api"]');
INSERT INTO "commits" VALUES(8,0,'0000000000000000000000000000000000000008','Ana Ruiz','ana@example.org','Use floats for prices',1795000000000,'["api"]');
INSERT INTO "commits" VALUES(9,0,'0000000000000000000000000000000000000009','Ana Ruiz','ana@example.org','Use floats for prices',1795000000000,'["api"]');
CREATE TABLE cursors (name TEXT NOT NULL PRIMARY KEY, seq INTEGER NOT NULL);
CREATE TABLE deliveries (id INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL, forge TEXT NOT NULL, event TEXT NOT NULL, key TEXT NOT NULL,
    ref TEXT, pusher TEXT, at BIGINT NOT NULL, decision TEXT NOT NULL, reason TEXT NOT NULL, run INTEGER);
INSERT INTO "deliveries" VALUES(1,'shop','gitea','push','gitea:delivery-1:refs/heads/main','refs/heads/main','ana',1795525382921,'queued','api queued: the branch is main',1);
INSERT INTO "deliveries" VALUES(2,'shop','gitea','push','gitea:delivery-2:refs/heads/main','refs/heads/main','ana',1795525382934,'queued','api queued: the branch is main',2);
INSERT INTO "deliveries" VALUES(3,'shop','gitea','push','gitea:delivery-3:refs/heads/main','refs/heads/main','ana',1795525382940,'queued','api queued: the branch is main',3);
INSERT INTO "deliveries" VALUES(4,'shop','gitea','push','gitea:delivery-4:refs/heads/main','refs/heads/main','ana',1795525382947,'queued','api queued: the branch is main',4);
INSERT INTO "deliveries" VALUES(5,'shop','gitea','push','gitea:delivery-5:refs/heads/main','refs/heads/side','ana',1795525382954,'queued','api queued: the branch is main',5);
INSERT INTO "deliveries" VALUES(6,'shop','gitea','push','rerun:1','refs/heads/main','ana',1795525382961,'queued','api queued: the branch is main',6);
INSERT INTO "deliveries" VALUES(7,'shop','gitea','push','gitea:delivery-7:refs/heads/main','refs/heads/live','ana',1795525382967,'queued','api queued: the branch is main',7);
INSERT INTO "deliveries" VALUES(8,'shop','gitea','push','gitea:delivery-8:refs/heads/main','refs/heads/live','ana',1795525382972,'queued','api queued: the branch is main',8);
INSERT INTO "deliveries" VALUES(9,'shop','gitea','push','gitea:delivery-9:refs/heads/main','refs/heads/queued','ana',1795525382978,'queued','api queued: the branch is main',9);
INSERT INTO "deliveries" VALUES(10,'shop','gitea','push','gitea:delivery-10:refs/heads/main','refs/heads/fresh','ana',1795525382981,'queued','api queued: the branch is main',10);
CREATE TABLE hosts (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, first_seen BIGINT NOT NULL);
INSERT INTO "hosts" VALUES(1,'h1',1795525382914);
CREATE TABLE jobs (id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL REFERENCES runs (id), as_of INTEGER NOT NULL, project TEXT NOT NULL,
    ref TEXT NOT NULL, subproject TEXT NOT NULL, recipe TEXT NOT NULL, "order" JSON NOT NULL, status TEXT NOT NULL,
    reason TEXT, waiting INTEGER NOT NULL, priority INTEGER NOT NULL, turn INTEGER NOT NULL, attempt INTEGER NOT NULL,
    host INTEGER, slot INTEGER, boot_id TEXT, queued_at BIGINT NOT NULL, began_at BIGINT, finished_at BIGINT,
    cancel_asked_at BIGINT, cancel_by TEXT, cancel_as TEXT, cancel_reason TEXT, exit JSON, lock TEXT, spared INTEGER NOT NULL DEFAULT 0, same_as INTEGER);
INSERT INTO "jobs" VALUES(1,1,1,'shop','refs/heads/main','api','test','{"project": "shop", "subproject": "api", "directory": "services/api", "ref": "refs/heads/main", "recipe": {"name": "test", "run": "make test", "timeout_s": 3600, "env": {}, "env_pass": [], "shell": "sh -e", "nice": 0}, "remote": {"url": "/srv/git/acme/shop.git", "token": null, "ssh_key": null, "known_hosts": null, "ca_file": null, "submodules": false}, "on_new_push": "queue", "log_cap": 209715200}','succeeded',NULL,0,10,1,1,1,1,'boot',1795525382919,1795525382930,1795525382931,NULL,NULL,NULL,NULL,'{"how": "exit", "code": 0, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}',NULL,0,NULL);
INSERT INTO "jobs" VALUES(2,2,2,'shop','refs/heads/main','api','test','{"project": "shop", "subproject": "api", "directory": "services/api", "ref": "refs/heads/main", "recipe": {"name": "test", "run": "make test", "timeout_s": 3600, "env": {}, "env_pass": [], "shell": "sh -e", "nice": 0}, "remote": {"url": "/srv/git/acme/shop.git", "token": null, "ssh_key": null, "known_hosts": null, "ca_file": null, "submodules": false}, "on_new_push": "queue", "log_cap": 209715200}','failed','exit 1',0,10,2,1,1,1,'boot',1795525382933,1795525382938,1795525382938,NULL,NULL,NULL,NULL,'{"how": "exit", "code": 1, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}',NULL,0,NULL);
INSERT INTO "jobs" VALUES(3,3,3,'shop','refs/heads/main','api','test','{"project": "shop", "subproject": "api", "directory": "services/api", "ref": "refs/heads/main", "recipe": {"name": "test", "run": "make test", "timeout_s": 3600, "env": {}, "env_pass": [], "shell": "sh -e", "nice": 0}, "remote": {"url": "/srv/git/acme/shop.git", "token": null, "ssh_key": null, "known_hosts": null, "ca_file": null, "submodules": false}, "on_new_push": "queue", "log_cap": 209715200}','timed_out','timed out',0,10,3,1,1,1,'boot',1795525382940,1795525382944,1795525382945,NULL,NULL,NULL,NULL,'{"how": "exit", "code": 1, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}',NULL,0,NULL);
INSERT INTO "jobs" VALUES(4,4,4,'shop','refs/heads/main','api','test','{"project": "shop", "subproject": "api", "directory": "services/api", "ref": "refs/heads/main", "recipe": {"name": "test", "run": "make test", "timeout_s": 3600, "env": {}, "env_pass": [], "shell": "sh -e", "nice": 0}, "remote": {"url": "/srv/git/acme/shop.git", "token": null, "ssh_key": null, "known_hosts": null, "ca_file": null, "submodules": false}, "on_new_push": "queue", "log_cap": 209715200}','errored','no checkout',0,10,4,1,1,1,'boot',1795525382947,1795525382951,1795525382952,NULL,NULL,NULL,NULL,'{"how": "exit", "code": 1, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}',NULL,0,NULL);
INSERT INTO "jobs" VALUES(5,5,5,'shop','refs/heads/side','api','test','{"project": "shop", "subproject": "api", "directory": "services/api", "ref": "refs/heads/side", "recipe": {"name": "test", "run": "make test", "timeout_s": 3600, "env": {}, "env_pass": [], "shell": "sh -e", "nice": 0}, "remote": {"url": "/srv/git/acme/shop.git", "token": null, "ssh_key": null, "known_hosts": null, "ca_file": null, "submodules": false}, "on_new_push": "queue", "log_cap": 209715200}','failed','exit 1',0,10,5,1,1,1,'boot',1795525382953,1795525382958,1795525382958,NULL,NULL,NULL,NULL,'{"how": "exit", "code": 1, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}',NULL,0,NULL);
INSERT INTO "jobs" VALUES(6,6,2,'shop','refs/heads/main','api','test','{"project": "shop", "subproject": "api", "directory": "services/api", "ref": "refs/heads/main", "recipe": {"name": "test", "run": "make test", "timeout_s": 3600, "env": {}, "env_pass": [], "shell": "sh -e", "nice": 0}, "remote": {"url": "/srv/git/acme/shop.git", "token": null, "ssh_key": null, "known_hosts": null, "ca_file": null, "submodules": false}, "on_new_push": "queue", "log_cap": 209715200}','succeeded',NULL,0,0,6,1,1,1,'boot',1795525382960,1795525382964,1795525382965,NULL,NULL,NULL,NULL,'{"how": "exit", "code": 0, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}',NULL,0,NULL);
INSERT INTO "jobs" VALUES(7,7,7,'shop','refs/heads/live','api','test','{"project": "shop", "subproject": "api", "directory": "services/api", "ref": "refs/heads/live", "recipe": {"name": "test", "run": "make test", "timeout_s": 3600, "env": {}, "env_pass": [], "shell": "sh -e", "nice": 0}, "remote": {"url": "/srv/git/acme/shop.git", "token": null, "ssh_key": null, "known_hosts": null, "ca_file": null, "submodules": false}, "on_new_push": "queue", "log_cap": 209715200}','running',NULL,0,10,7,1,1,1,'boot',1795525382966,1795525382970,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL);
INSERT INTO "jobs" VALUES(8,8,8,'shop','refs/heads/live','api','test','{"project": "shop", "subproject": "api", "directory": "services/api", "ref": "refs/heads/live", "recipe": {"name": "test", "run": "make test", "timeout_s": 3600, "env": {}, "env_pass": [], "shell": "sh -e", "nice": 0}, "remote": {"url": "/srv/git/acme/shop.git", "token": null, "ssh_key": null, "known_hosts": null, "ca_file": null, "submodules": false}, "on_new_push": "queue", "log_cap": 209715200}','queued',NULL,1,10,8,0,NULL,NULL,NULL,1795525382972,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL);
INSERT INTO "jobs" VALUES(9,9,9,'shop','refs/heads/queued','api','test','{"project": "shop", "subproject": "api", "directory": "services/api", "ref": "refs/heads/queued", "recipe": {"name": "test", "run": "make test", "timeout_s": 3600, "env": {}, "env_pass": [], "shell": "sh -e", "nice": 0}, "remote": {"url": "/srv/git/acme/shop.git", "token": null, "ssh_key": null, "known_hosts": null, "ca_file": null, "submodules": false}, "on_new_push": "queue", "log_cap": 209715200}','queued',NULL,0,10,9,0,NULL,NULL,NULL,1795525382977,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL);
INSERT INTO "jobs" VALUES(10,10,10,'shop','refs/heads/fresh','api','test','{"project": "shop", "subproject": "api", "directory": "services/api", "ref": "refs/heads/fresh", "recipe": {"name": "test", "run": "make test", "timeout_s": 3600, "env": {}, "env_pass": [], "shell": "sh -e", "nice": 0}, "remote": {"url": "/srv/git/acme/shop.git", "token": null, "ssh_key": null, "known_hosts": null, "ca_file": null, "submodules": false}, "on_new_push": "queue", "log_cap": 209715200}','queued',NULL,1,10,10,0,NULL,NULL,NULL,1795525382980,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL);
CREATE TABLE needs (job INTEGER NOT NULL REFERENCES jobs (id), needs INTEGER NOT NULL REFERENCES jobs (id),
    PRIMARY KEY (job, needs));
CREATE TABLE projects (name TEXT NOT NULL PRIMARY KEY, first_seen BIGINT NOT NULL, default_branch TEXT);
INSERT INTO "projects" VALUES('shop',1795525382917,'main');
CREATE TABLE refs (project TEXT NOT NULL, ref TEXT NOT NULL, "commit" TEXT NOT NULL, run INTEGER, via TEXT NOT NULL,
    at BIGINT NOT NULL, PRIMARY KEY (project, ref));
INSERT INTO "refs" VALUES('shop','refs/heads/main','0000000000000000000000000000000000000004',4,'push',1795525382947);
INSERT INTO "refs" VALUES('shop','refs/heads/side','0000000000000000000000000000000000000005',5,'push',1795525382954);
INSERT INTO "refs" VALUES('shop','refs/heads/live','0000000000000000000000000000000000000008',8,'push',1795525382972);
INSERT INTO "refs" VALUES('shop','refs/heads/queued','0000000000000000000000000000000000000009',9,'push',1795525382977);
INSERT INTO "refs" VALUES('shop','refs/heads/fresh','000000000000000000000000000000000000000a',10,'push',1795525382980);
CREATE TABLE runs (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, project TEXT NOT NULL, kind TEXT NOT NULL, ref TEXT NOT NULL,
    before TEXT, after TEXT, "commit" TEXT, subject TEXT, author TEXT, author_email TEXT, pusher TEXT,
    options JSON NOT NULL, priority INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT, created_at BIGINT NOT NULL,
    prepared_at BIGINT, finished_at BIGINT, tries INTEGER NOT NULL, next_try_at BIGINT, rerun_of INTEGER,
    behind INTEGER, prev_commit TEXT, prev_run INTEGER, as_of INTEGER, schedule TEXT, prev_via TEXT);
INSERT INTO "runs" VALUES(1,'gitea:delivery-1:refs/heads/main','shop','push','refs/heads/main',NULL,'0000000000000000000000000000000000000001','0000000000000000000000000000000000000001','Use floats for prices','Ana Ruiz','ana@example.org','ana','[]',10,'succeeded',NULL,1795525382918,1795525382923,1795525382932,0,NULL,NULL,NULL,NULL,NULL,1,NULL,NULL);
INSERT INTO "runs" VALUES(2,'gitea:delivery-2:refs/heads/main','shop','push','refs/heads/main',NULL,'0000000000000000000000000000000000000002','0000000000000000000000000000000000000002','Use floats for prices','Ana Ruiz','ana@example.org','ana','[]',10,'failed',NULL,1795525382933,1795525382935,1795525382939,0,NULL,NULL,NULL,'0000000000000000000000000000000000000001',1,2,NULL,NULL);
INSERT INTO "runs" VALUES(3,'gitea:delivery-3:refs/heads/main','shop','push','refs/heads/main',NULL,'0000000000000000000000000000000000000003','0000000000000000000000000000000000000003','Use floats for prices','Ana Ruiz','ana@example.org','ana','[]',10,'timed_out',NULL,1795525382940,1795525382941,1795525382946,0,NULL,NULL,NULL,'0000000000000000000000000000000000000002',2,3,NULL,NULL);
INSERT INTO "runs" VALUES(4,'gitea:delivery-4:refs/heads/main','shop','push','refs/heads/main',NULL,'0000000000000000000000000000000000000004','0000000000000000000000000000000000000004','Use floats for prices','Ana Ruiz','ana@example.org','ana','[]',10,'errored',NULL,1795525382947,1795525382948,1795525382952,0,NULL,NULL,NULL,'0000000000000000000000000000000000000003',3,4,NULL,NULL);
INSERT INTO "runs" VALUES(5,'gitea:delivery-5:refs/heads/main','shop','push','refs/heads/side',NULL,'0000000000000000000000000000000000000005','0000000000000000000000000000000000000005','Use floats for prices','Ana Ruiz','ana@example.org','ana','[]',10,'failed',NULL,1795525382953,1795525382955,1795525382959,0,NULL,NULL,NULL,NULL,NULL,5,NULL,NULL);
INSERT INTO "runs" VALUES(6,'rerun:1','shop','rerun','refs/heads/main',NULL,'0000000000000000000000000000000000000006','0000000000000000000000000000000000000006','Use floats for prices','Ana Ruiz','ana@example.org','ana','[]',0,'succeeded',NULL,1795525382960,1795525382961,1795525382965,0,NULL,2,NULL,NULL,NULL,2,NULL,NULL);
INSERT INTO "runs" VALUES(7,'gitea:delivery-7:refs/heads/main','shop','push','refs/heads/live',NULL,'0000000000000000000000000000000000000007','0000000000000000000000000000000000000007','Use floats for prices','Ana Ruiz','ana@example.org','ana','[]',10,'running',NULL,1795525382966,1795525382968,NULL,0,NULL,NULL,NULL,NULL,NULL,7,NULL,NULL);
INSERT INTO "runs" VALUES(8,'gitea:delivery-8:refs/heads/main','shop','push','refs/heads/live',NULL,'0000000000000000000000000000000000000008','0000000000000000000000000000000000000008','Use floats for prices','Ana Ruiz','ana@example.org','ana','[]',10,'queued',NULL,1795525382972,1795525382974,NULL,0,NULL,NULL,7,'0000000000000000000000000000000000000007',7,8,NULL,NULL);
INSERT INTO "runs" VALUES(9,'gitea:delivery-9:refs/heads/main','shop','push','refs/heads/queued',NULL,'0000000000000000000000000000000000000009','0000000000000000000000000000000000000009','Use floats for prices','Ana Ruiz','ana@example.org','ana','[]',10,'queued',NULL,1795525382977,1795525382978,NULL,0,NULL,NULL,NULL,NULL,NULL,9,NULL,NULL);
INSERT INTO "runs" VALUES(10,'gitea:delivery-10:refs/heads/main','shop','push','refs/heads/fresh',NULL,'000000000000000000000000000000000000000a',NULL,NULL,NULL,NULL,'ana','[]',10,'queued',NULL,1795525382980,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,10,NULL,NULL);
CREATE TABLE schedules (project TEXT NOT NULL, name TEXT NOT NULL, line TEXT NOT NULL, timezone TEXT NOT NULL,
    since BIGINT NOT NULL, PRIMARY KEY (project, name));
CREATE TABLE schema_version (one INTEGER NOT NULL PRIMARY KEY, version INTEGER NOT NULL);
INSERT INTO "schema_version" VALUES(1,3);
CREATE TABLE sendings (id INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL, key TEXT NOT NULL UNIQUE, "to" TEXT NOT NULL, run INTEGER NOT NULL,
    jobs JSON NOT NULL, due BIGINT NOT NULL, tries INTEGER NOT NULL, message_id TEXT NOT NULL, state TEXT NOT NULL,
    last_error TEXT, sent_at BIGINT);
CREATE TABLE standing (project TEXT NOT NULL, ref TEXT NOT NULL, subproject TEXT NOT NULL, recipe TEXT NOT NULL,
    last_job INTEGER, last_as_of INTEGER, green_job INTEGER, red_job INTEGER,
    PRIMARY KEY (project, ref, subproject, recipe));
INSERT INTO "standing" VALUES('shop','refs/heads/main','api','test',3,3,6,3);
INSERT INTO "standing" VALUES('shop','refs/heads/side','api','test',5,5,NULL,5);
CREATE TABLE turns (project TEXT NOT NULL, priority INTEGER NOT NULL, turn INTEGER NOT NULL,
    PRIMARY KEY (project, priority));
INSERT INTO "turns" VALUES('shop',0,6);
INSERT INTO "turns" VALUES('shop',10,10);
CREATE INDEX deliveries_by_project ON deliveries (project, id);
CREATE INDEX deliveries_by_decision ON deliveries (decision, id);
CREATE INDEX runs_by_ref ON runs (project, ref, id);
CREATE INDEX runs_unprepared ON runs (id) WHERE prepared_at IS NULL;
CREATE INDEX runs_unfinished ON runs (project, ref, id) WHERE finished_at IS NULL;
CREATE INDEX runs_behind ON runs (behind) WHERE behind IS NOT NULL;
CREATE INDEX jobs_by_run ON jobs (run, id);
CREATE INDEX jobs_by_place ON jobs (project, ref, subproject, recipe, as_of, id);
CREATE INDEX jobs_queue ON jobs (waiting, priority, turn) WHERE status = 'queued';
INSERT INTO sendings VALUES(1,'mail','mail/team:ana@example.org/2/2','team:ana@example.org',2,'[2]',1795525383000,1,'<2.2.0123456789abcdef@ci.example.org>','due','cannot reach the mail server',NULL);
CREATE INDEX sendings_due ON sendings (sink, due) WHERE state = 'due';
CREATE INDEX sendings_by_run ON sendings (run);
CREATE INDEX runs_by_place ON runs (project, ref, as_of, id);
CREATE INDEX needs_of ON needs (needs);
CREATE UNIQUE INDEX jobs_lock ON jobs (lock) WHERE status = 'running' AND lock IS NOT NULL;
CREATE INDEX jobs_running ON jobs (priority, turn) WHERE status = 'running';
CREATE INDEX runs_scheduled ON runs (project, schedule, id) WHERE schedule IS NOT NULL;
CREATE INDEX deliveries_timed ON deliveries (at) WHERE forge = 'ctci' AND event IN ('schedule', 'missed');
CREATE INDEX deliveries_swept ON deliveries (project, id) WHERE forge = 'ctci' AND event = 'sweep';
CREATE INDEX deliveries_restored ON deliveries (project, id) WHERE forge = 'ctci' AND event = 'restore';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('hosts',1);
INSERT INTO "sqlite_sequence" VALUES('runs',10);
INSERT INTO "sqlite_sequence" VALUES('jobs',10);
INSERT INTO "sqlite_sequence" VALUES('changes',32);
INSERT INTO "sqlite_sequence" VALUES('deliveries',10);
COMMIT;
