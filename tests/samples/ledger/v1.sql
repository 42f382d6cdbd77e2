-- A ledger as the first version left it: see test_schema.py for the story in it.
BEGIN TRANSACTION;
CREATE TABLE attempts (job INTEGER NOT NULL REFERENCES jobs (id), number INTEGER NOT NULL, host INTEGER NOT NULL,
    claimed_at BIGINT NOT NULL, began_at BIGINT, finished_at BIGINT, status TEXT, exit JSON, PRIMARY KEY (job, number));
INSERT INTO "attempts" VALUES(1,1,1,1795521509443,1795521509445,1795521509447,'succeeded','{"how": "exit", "code": 0, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}');
INSERT INTO "attempts" VALUES(2,1,1,1795521509453,1795521509454,1795521509455,'failed','{"how": "exit", "code": 1, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}');
INSERT INTO "attempts" VALUES(3,1,1,1795521509462,1795521509463,1795521509464,'timed_out','{"how": "exit", "code": 1, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}');
INSERT INTO "attempts" VALUES(4,1,1,1795521509470,1795521509471,1795521509472,'errored','{"how": "exit", "code": 1, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}');
INSERT INTO "attempts" VALUES(5,1,1,1795521509477,1795521509481,1795521509483,'failed','{"how": "exit", "code": 1, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}');
INSERT INTO "attempts" VALUES(6,1,1,1795521509501,1795521509503,1795521509505,'succeeded','{"how": "exit", "code": 0, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}');
CREATE TABLE changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, run INTEGER NOT NULL, job INTEGER, at BIGINT NOT NULL);
INSERT INTO "changes" VALUES(1,'recorded',1,NULL,1795521509432);
INSERT INTO "changes" VALUES(2,'prepared',1,NULL,1795521509439);
INSERT INTO "changes" VALUES(3,'began',1,1,1795521509445);
INSERT INTO "changes" VALUES(4,'settled',1,1,1795521509447);
INSERT INTO "changes" VALUES(5,'recorded',2,NULL,1795521509450);
INSERT INTO "changes" VALUES(6,'prepared',2,NULL,1795521509452);
INSERT INTO "changes" VALUES(7,'began',2,2,1795521509454);
INSERT INTO "changes" VALUES(8,'settled',2,2,1795521509455);
INSERT INTO "changes" VALUES(9,'recorded',3,NULL,1795521509458);
INSERT INTO "changes" VALUES(10,'prepared',3,NULL,1795521509460);
INSERT INTO "changes" VALUES(11,'began',3,3,1795521509463);
INSERT INTO "changes" VALUES(12,'settled',3,3,1795521509464);
INSERT INTO "changes" VALUES(13,'recorded',4,NULL,1795521509466);
INSERT INTO "changes" VALUES(14,'prepared',4,NULL,1795521509469);
INSERT INTO "changes" VALUES(15,'began',4,4,1795521509471);
INSERT INTO "changes" VALUES(16,'settled',4,4,1795521509472);
INSERT INTO "changes" VALUES(17,'recorded',5,NULL,1795521509474);
INSERT INTO "changes" VALUES(18,'prepared',5,NULL,1795521509475);
INSERT INTO "changes" VALUES(19,'began',5,5,1795521509481);
INSERT INTO "changes" VALUES(20,'settled',5,5,1795521509483);
INSERT INTO "changes" VALUES(21,'recorded',6,NULL,1795521509490);
INSERT INTO "changes" VALUES(22,'prepared',6,NULL,1795521509493);
INSERT INTO "changes" VALUES(23,'began',6,6,1795521509503);
INSERT INTO "changes" VALUES(24,'settled',6,6,1795521509505);
CREATE TABLE commits (run INTEGER NOT NULL REFERENCES runs (id), position INTEGER NOT NULL, sha TEXT NOT NULL,
    author TEXT NOT NULL, email TEXT NOT NULL, subject TEXT NOT NULL, at BIGINT NOT NULL, touches JSON NOT NULL,
    PRIMARY KEY (run, position));
INSERT INTO "commits" VALUES(1,0,'0000000000000000000000000000000000000001','Ana Ruiz','ana@example.org','Use floats for prices',1795000000000,'["api"]');
INSERT INTO "commits" VALUES(2,0,'0000000000000000000000000000000000000002','Ana Ruiz','ana@example.org','Use floats for prices',1795000000000,'["api"]');
INSERT INTO "commits" VALUES(3,0,'0000000000000000000000000000000000000003','Ana Ruiz','ana@example.org','Use floats for prices',1795000000000,'["api"]');
INSERT INTO "commits" VALUES(4,0,'0000000000000000000000000000000000000004','Ana Ruiz','ana@example.org','Use floats for prices',1795000000000,'["api"]');
INSERT INTO "commits" VALUES(5,0,'0000000000000000000000000000000000000005','Ana Ruiz','ana@example.org','Use floats for prices',1795000000000,'["api"]');
INSERT INTO "commits" VALUES(6,0,'0000000000000000000000000000000000000006','Ana Ruiz','ana@example.org','Use floats for prices',1795000000000,'["api"]');
CREATE TABLE cursors (name TEXT NOT NULL PRIMARY KEY, seq INTEGER NOT NULL);
CREATE TABLE deliveries (id INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL, forge TEXT NOT NULL, event TEXT NOT NULL, key TEXT NOT NULL,
    ref TEXT, pusher TEXT, at BIGINT NOT NULL, decision TEXT NOT NULL, reason TEXT NOT NULL, run INTEGER);
INSERT INTO "deliveries" VALUES(1,'shop','gitea','push','gitea:delivery-1:refs/heads/main','refs/heads/main','ana',1795521509433,'queued','api queued: the branch is main',1);
INSERT INTO "deliveries" VALUES(2,'shop','gitea','push','gitea:delivery-2:refs/heads/main','refs/heads/main','ana',1795521509450,'queued','api queued: the branch is main',2);
INSERT INTO "deliveries" VALUES(3,'shop','gitea','push','gitea:delivery-3:refs/heads/main','refs/heads/main','ana',1795521509458,'queued','api queued: the branch is main',3);
INSERT INTO "deliveries" VALUES(4,'shop','gitea','push','gitea:delivery-4:refs/heads/main','refs/heads/main','ana',1795521509466,'queued','api queued: the branch is main',4);
INSERT INTO "deliveries" VALUES(5,'shop','gitea','push','gitea:delivery-5:refs/heads/main','refs/heads/side','ana',1795521509474,'queued','api queued: the branch is main',5);
INSERT INTO "deliveries" VALUES(6,'shop','gitea','push','rerun:1','refs/heads/main','ana',1795521509490,'queued','api queued: the branch is main',6);
CREATE TABLE hosts (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, first_seen BIGINT NOT NULL);
INSERT INTO "hosts" VALUES(1,'h1',1795521509426);
CREATE TABLE jobs (id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL REFERENCES runs (id), as_of INTEGER NOT NULL, project TEXT NOT NULL,
    ref TEXT NOT NULL, subproject TEXT NOT NULL, recipe TEXT NOT NULL, "order" JSON NOT NULL, status TEXT NOT NULL,
    reason TEXT, waiting INTEGER NOT NULL, priority INTEGER NOT NULL, turn INTEGER NOT NULL, attempt INTEGER NOT NULL,
    host INTEGER, slot INTEGER, boot_id TEXT, queued_at BIGINT NOT NULL, began_at BIGINT, finished_at BIGINT,
    cancel_asked_at BIGINT, cancel_by TEXT, cancel_as TEXT, cancel_reason TEXT, exit JSON);
INSERT INTO "jobs" VALUES(1,1,1,'shop','refs/heads/main','api','test','{"project": "shop", "subproject": "api", "directory": "services/api", "ref": "refs/heads/main", "recipe": {"name": "test", "run": "make test", "timeout_s": 3600, "env": {}, "env_pass": [], "shell": "sh -e", "nice": 0}, "remote": {"url": "/srv/git/acme/shop.git", "token": null, "ssh_key": null, "known_hosts": null, "ca_file": null, "submodules": false}, "on_new_push": "queue", "log_cap": 209715200}','succeeded',NULL,0,10,1,1,1,1,'boot',1795521509431,1795521509445,1795521509446,NULL,NULL,NULL,NULL,'{"how": "exit", "code": 0, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}');
INSERT INTO "jobs" VALUES(2,2,2,'shop','refs/heads/main','api','test','{"project": "shop", "subproject": "api", "directory": "services/api", "ref": "refs/heads/main", "recipe": {"name": "test", "run": "make test", "timeout_s": 3600, "env": {}, "env_pass": [], "shell": "sh -e", "nice": 0}, "remote": {"url": "/srv/git/acme/shop.git", "token": null, "ssh_key": null, "known_hosts": null, "ca_file": null, "submodules": false}, "on_new_push": "queue", "log_cap": 209715200}','failed','exit 1',0,10,2,1,1,1,'boot',1795521509449,1795521509454,1795521509455,NULL,NULL,NULL,NULL,'{"how": "exit", "code": 1, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}');
INSERT INTO "jobs" VALUES(3,3,3,'shop','refs/heads/main','api','test','{"project": "shop", "subproject": "api", "directory": "services/api", "ref": "refs/heads/main", "recipe": {"name": "test", "run": "make test", "timeout_s": 3600, "env": {}, "env_pass": [], "shell": "sh -e", "nice": 0}, "remote": {"url": "/srv/git/acme/shop.git", "token": null, "ssh_key": null, "known_hosts": null, "ca_file": null, "submodules": false}, "on_new_push": "queue", "log_cap": 209715200}','timed_out','timed out',0,10,3,1,1,1,'boot',1795521509457,1795521509463,1795521509464,NULL,NULL,NULL,NULL,'{"how": "exit", "code": 1, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}');
INSERT INTO "jobs" VALUES(4,4,4,'shop','refs/heads/main','api','test','{"project": "shop", "subproject": "api", "directory": "services/api", "ref": "refs/heads/main", "recipe": {"name": "test", "run": "make test", "timeout_s": 3600, "env": {}, "env_pass": [], "shell": "sh -e", "nice": 0}, "remote": {"url": "/srv/git/acme/shop.git", "token": null, "ssh_key": null, "known_hosts": null, "ca_file": null, "submodules": false}, "on_new_push": "queue", "log_cap": 209715200}','errored','no checkout',0,10,4,1,1,1,'boot',1795521509465,1795521509471,1795521509471,NULL,NULL,NULL,NULL,'{"how": "exit", "code": 1, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}');
INSERT INTO "jobs" VALUES(5,5,5,'shop','refs/heads/side','api','test','{"project": "shop", "subproject": "api", "directory": "services/api", "ref": "refs/heads/side", "recipe": {"name": "test", "run": "make test", "timeout_s": 3600, "env": {}, "env_pass": [], "shell": "sh -e", "nice": 0}, "remote": {"url": "/srv/git/acme/shop.git", "token": null, "ssh_key": null, "known_hosts": null, "ca_file": null, "submodules": false}, "on_new_push": "queue", "log_cap": 209715200}','failed','exit 1',0,10,5,1,1,1,'boot',1795521509473,1795521509481,1795521509483,NULL,NULL,NULL,NULL,'{"how": "exit", "code": 1, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}');
INSERT INTO "jobs" VALUES(6,6,2,'shop','refs/heads/main','api','test','{"project": "shop", "subproject": "api", "directory": "services/api", "ref": "refs/heads/main", "recipe": {"name": "test", "run": "make test", "timeout_s": 3600, "env": {}, "env_pass": [], "shell": "sh -e", "nice": 0}, "remote": {"url": "/srv/git/acme/shop.git", "token": null, "ssh_key": null, "known_hosts": null, "ca_file": null, "submodules": false}, "on_new_push": "queue", "log_cap": 209715200}','succeeded',NULL,0,0,6,1,1,1,'boot',1795521509490,1795521509503,1795521509505,NULL,NULL,NULL,NULL,'{"how": "exit", "code": 0, "signal": null, "seconds": 1.5, "cpu_s": 0.0, "peak_memory": 0, "leftovers": [], "survivors": [], "log_bytes": 0, "log_dropped": 0}');
CREATE TABLE projects (name TEXT NOT NULL PRIMARY KEY, first_seen BIGINT NOT NULL, default_branch TEXT);
INSERT INTO "projects" VALUES('shop',1795521509429,'main');
CREATE TABLE refs (project TEXT NOT NULL, ref TEXT NOT NULL, "commit" TEXT NOT NULL, run INTEGER, via TEXT NOT NULL,
    at BIGINT NOT NULL, PRIMARY KEY (project, ref));
INSERT INTO "refs" VALUES('shop','refs/heads/main','0000000000000000000000000000000000000004',4,'push',1795521509465);
INSERT INTO "refs" VALUES('shop','refs/heads/side','0000000000000000000000000000000000000005',5,'push',1795521509474);
CREATE TABLE runs (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, project TEXT NOT NULL, kind TEXT NOT NULL, ref TEXT NOT NULL,
    before TEXT, after TEXT, "commit" TEXT, subject TEXT, author TEXT, author_email TEXT, pusher TEXT,
    options JSON NOT NULL, priority INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT, created_at BIGINT NOT NULL,
    prepared_at BIGINT, finished_at BIGINT, tries INTEGER NOT NULL, next_try_at BIGINT, rerun_of INTEGER,
    behind INTEGER, prev_commit TEXT, prev_run INTEGER);
INSERT INTO "runs" VALUES(1,'gitea:delivery-1:refs/heads/main','shop','push','refs/heads/main',NULL,'0000000000000000000000000000000000000001','0000000000000000000000000000000000000001','Use floats for prices','Ana Ruiz','ana@example.org','ana','[]',10,'succeeded',NULL,1795521509431,1795521509436,1795521509448,0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "runs" VALUES(2,'gitea:delivery-2:refs/heads/main','shop','push','refs/heads/main',NULL,'0000000000000000000000000000000000000002','0000000000000000000000000000000000000002','Use floats for prices','Ana Ruiz','ana@example.org','ana','[]',10,'failed',NULL,1795521509449,1795521509451,1795521509455,0,NULL,NULL,NULL,'0000000000000000000000000000000000000001',1);
INSERT INTO "runs" VALUES(3,'gitea:delivery-3:refs/heads/main','shop','push','refs/heads/main',NULL,'0000000000000000000000000000000000000003','0000000000000000000000000000000000000003','Use floats for prices','Ana Ruiz','ana@example.org','ana','[]',10,'timed_out',NULL,1795521509457,1795521509459,1795521509464,0,NULL,NULL,NULL,'0000000000000000000000000000000000000002',2);
INSERT INTO "runs" VALUES(4,'gitea:delivery-4:refs/heads/main','shop','push','refs/heads/main',NULL,'0000000000000000000000000000000000000004','0000000000000000000000000000000000000004','Use floats for prices','Ana Ruiz','ana@example.org','ana','[]',10,'errored',NULL,1795521509465,1795521509467,1795521509472,0,NULL,NULL,NULL,'0000000000000000000000000000000000000003',3);
INSERT INTO "runs" VALUES(5,'gitea:delivery-5:refs/heads/main','shop','push','refs/heads/side',NULL,'0000000000000000000000000000000000000005','0000000000000000000000000000000000000005','Use floats for prices','Ana Ruiz','ana@example.org','ana','[]',10,'failed',NULL,1795521509473,1795521509475,1795521509483,0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "runs" VALUES(6,'rerun:1','shop','rerun','refs/heads/main',NULL,'0000000000000000000000000000000000000006','0000000000000000000000000000000000000006','Use floats for prices','Ana Ruiz','ana@example.org','ana','[]',0,'succeeded',NULL,1795521509489,1795521509493,1795521509505,0,NULL,2,NULL,NULL,NULL);
CREATE TABLE schema_version (one INTEGER NOT NULL PRIMARY KEY, version INTEGER NOT NULL);
INSERT INTO "schema_version" VALUES(1,1);
CREATE TABLE sendings (id INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL, key TEXT NOT NULL UNIQUE, "to" TEXT NOT NULL, run INTEGER NOT NULL,
    jobs JSON NOT NULL, due BIGINT NOT NULL, tries INTEGER NOT NULL, message_id TEXT NOT NULL, state TEXT NOT NULL,
    last_error TEXT, sent_at BIGINT);
CREATE INDEX deliveries_by_project ON deliveries (project, id);
CREATE INDEX deliveries_by_decision ON deliveries (decision, id);
CREATE INDEX runs_by_ref ON runs (project, ref, id);
CREATE INDEX runs_unprepared ON runs (id) WHERE prepared_at IS NULL;
CREATE INDEX runs_unfinished ON runs (project, ref, id) WHERE finished_at IS NULL;
CREATE INDEX runs_behind ON runs (behind) WHERE behind IS NOT NULL;
CREATE INDEX jobs_by_run ON jobs (run, id);
CREATE INDEX jobs_by_place ON jobs (project, ref, subproject, recipe, as_of, id);
CREATE INDEX jobs_queue ON jobs (waiting, priority, turn) WHERE status = 'queued';
CREATE INDEX jobs_running ON jobs (host) WHERE status = 'running';
CREATE INDEX sendings_due ON sendings (sink, due) WHERE state = 'due';
CREATE INDEX sendings_by_run ON sendings (run);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('hosts',1);
INSERT INTO "sqlite_sequence" VALUES('runs',6);
INSERT INTO "sqlite_sequence" VALUES('jobs',6);
INSERT INTO "sqlite_sequence" VALUES('changes',24);
INSERT INTO "sqlite_sequence" VALUES('deliveries',6);
COMMIT;
