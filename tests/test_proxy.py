"""The proxy guide, held against nginx where there is one."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.report import tls

GUIDE = Path(__file__).parents[1] / "docs/forges/proxy.md"
#: Debian's is where only root looks.
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


@pytest.mark.skipif(NGINX is None, reason="without nginx (nginx-light)")
def test_nginx_takes_what_the_guide_shows(tmp_path: Path) -> None:
    assert NGINX is not None
    version = subprocess.run([NGINX, "-v"], capture_output=True, text=True, check=True).stderr
    certificate, key = tls.certificate(tmp_path)
    whole, part = re.findall(r"```nginx\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    whole = re.sub(r"/etc/ssl/\S+\.pem", str(certificate), whole)
    whole = re.sub(r"/etc/ssl/\S+\.key", str(key), whole)
    if [*map(int, re.findall(r"\d+", version)[:3])] < [1, 25, 1]:
        # As the guide says of an older one.
        whole = whole.replace("    http2 on;\n", "").replace("listen 443 ssl;", "listen 443 ssl http2;")
    (tmp_path / "nginx.conf").write_text(
        f"error_log stderr; pid {tmp_path}/pid; events {{}}\nhttp {{ {whole} server {{ listen 8080; {part} }} }}\n"
    )

    tried = subprocess.run(
        [NGINX, "-t", "-p", tmp_path, "-c", tmp_path / "nginx.conf"], capture_output=True, text=True, check=False
    )

    assert "syntax is ok" in tried.stderr, tried.stderr
