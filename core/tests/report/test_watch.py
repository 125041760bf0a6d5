"""The page on loopback: what it answers, and to whom."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from queue import Queue

import pytest
from reported import Checked, a_run, with_steps

from unlabeled.errors import RunError, UsageError
from unlabeled.report.watch import watch


@pytest.fixture
def run(tmp_path):
    folder = a_run(tmp_path / "run")
    with_steps(folder, [{"loss": 2.0}, {"loss": 1.5}])
    return folder


@pytest.fixture
def url(run):
    found = Queue()
    serve = threading.Thread(
        target=watch, args=(run.path,), kwargs={"started": found.put}, daemon=True
    )
    serve.start()
    return found.get(timeout=20)


def get(url, path="/", **headers):
    address = url.removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(address, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_the_page_follows_the_run(run, url):
    assert url.startswith("http://127.0.0.1:")
    status, page = get(url)
    assert status == 200
    assert "Training: step 2 of 50" in Checked(page).text
    before = get(url, "/version")[1]
    assert f'data-live="{before}"' in page
    assert get(url, "/version")[1] == before
    with_steps(run, [{"loss": 2.0}, {"loss": 1.5}, {"loss": 1.0}])
    assert get(url, "/version")[1] != before
    assert not (run.path / "report.html").exists()


@pytest.mark.parametrize("path", ["/manifest.json", "/../manifest.json", "/recipe.yaml"])
def test_nothing_else_is_served(url, path):
    assert get(url, path)[0] == 404


def test_a_page_from_elsewhere_cannot_ask_under_another_name(url):
    assert get(url, Host="evil.example")[0] == 403
    assert get(url, Host=url.removeprefix("http://").rstrip("/"))[0] == 200


def test_no_other_address_listens(url):
    port = int(url.rstrip("/").rpartition(":")[2])
    for name in {address[4][0] for address in socket.getaddrinfo(socket.gethostname(), None)}:
        if name.startswith("127."):
            continue
        with pytest.raises(ConnectionError), socket.create_connection((name, port), timeout=2):
            pass


def test_what_cannot_be_served_is_said(run, tmp_path):
    with pytest.raises(RunError, match="no such folder"):
        watch(tmp_path / "nowhere", started=print)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="cannot be used"):
            watch(run.path, port=taken.getsockname()[1], started=print)


def test_the_command_says_its_url_and_ends_with_ctrl_c(run):
    code = "import sys; from unlabeled.cli.main import main; main(sys.argv[1:])"
    command = [sys.executable, "-u", "-c", code, "watch", str(run.path), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        lines = "".join(process.stdout.readline() for _ in range(3))
        assert get(json.loads(lines)["url"])[0] == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
