"""What leaves the machine, where to, and what comes back: against servers on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import stat
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from kage_nvim import paths, privacy
from kage_nvim.errors import KageError
from kage_nvim.gateway import detect, ollama
from kage_nvim.gateway.secrets import Restorer
from kage_nvim.model import Player
from kage_nvim.orchestrator.sent import sent
from kage_nvim.privacy import Rule
from tests.fixtures.gateway import Client
from tests.fixtures.model_server import ModelServer, Reply, in_order, refusal

AWS = "AKIA" + "QYLPMN5HFIQR7XYA"
TOKEN = "ghp_" + "a1B2c3D4e5F6" * 3
PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEA7Zq3v\n" * 4 + "-----END RSA PRIVATE KEY-----"
PLACEHOLDER = re.compile(r"KAGE_SECRET_[A-Z_]+_[0-9a-f]{12}")


def chunks(texts: list[str], arguments: list[str]) -> Reply:
    """A stream of exactly these pieces of text, then of a call's arguments."""
    deltas: list[dict[str, Any]] = [{"content": text} for text in texts]
    for number, piece in enumerate(arguments):
        call: dict[str, Any] = {"index": 0, "function": {"arguments": piece}}
        if number == 0:
            call |= {"id": "c1", "type": "function"}
            call["function"]["name"] = "write"
        deltas.append({"tool_calls": [call]})
    lines = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    lines.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    lines.append({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}})
    body = "".join(
        f"data: {json.dumps({'id': 'x', 'object': 'chat.completion.chunk', **line})}\n\n" for line in lines
    )
    return Reply(raw=body + "data: [DONE]\n\n", content_type="text/event-stream")


def joined(events: list[dict[str, Any]]) -> tuple[str, str]:
    """The text and the arguments of a stream."""
    text, arguments = "", ""
    for event in events:
        for choice in event.get("choices", []):
            text += choice["delta"].get("content") or ""
            for call in choice["delta"].get("tool_calls") or []:
                arguments += call["function"].get("arguments") or ""
    return text, arguments


def test_secrets_stay_and_come_back(client: Client) -> None:
    def answer(body: dict[str, Any], headers: dict[str, str]) -> Reply:
        aws, pem = (PLACEHOLDER.search(body["messages"][i]["content"]) for i in (0, 1))
        assert aws and pem
        split = ["The key is ", *aws[0], ", KAGE_", "SECRET of none."]
        written = json.dumps({"path": "k.pem", "text": f"{pem[0]}\n"})
        return chunks(split, [written[at : at + 7] for at in range(0, len(written), 7)])

    asked = [
        {"role": "system", "content": f"use {AWS} with care"},
        {"role": "user", "content": f"here:\n{PEM}\nend"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "c0",
                    "type": "function",
                    "function": {
                        "name": "write",
                        "arguments": json.dumps({"text": f"{PEM}\n{TOKEN}", "id": TOKEN}),
                    },
                }
            ],
        },
        {
            "role": "tool",
            "tool_call_id": "c0",
            "content": f"     1\t{AWS}\n     2\tDB=postgres://bob:hunter2@db/x",
        },
    ]
    with ModelServer(answer) as server:
        for number in (1, 2):
            client.register(f"T{number}", number=number, model="openai/any", api_base=server.url)
            text, arguments = joined(client.ask(f"T{number}", messages=asked).events)
            assert text == f"The key is {AWS}, KAGE_SECRET of none."
            assert json.loads(arguments) == {"path": "k.pem", "text": f"{PEM}\n"}
    bodies = [json.dumps(request.body["messages"]) for request in server.requests]
    assert bodies[0] == bodies[1], "a secret has one placeholder in all agents of a run"
    for secret in (AWS, TOKEN, "MIIEow", "hunter2"):
        assert secret not in bodies[0]
    history = json.loads(server.requests[0].body["messages"][2]["tool_calls"][0]["function"]["arguments"])
    assert PLACEHOLDER.fullmatch(history["id"])
    assert history["text"].splitlines()[1] == history["id"]
    file = paths.run_folder("run-1") / "outgoing.jsonl"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    written = file.read_text()
    assert not any(secret in written for secret in (AWS, TOKEN, "MIIEow", "hunter2"))
    call = sent("run-1", 2, full=False)[0]
    assert call["address"] == server.url
    assert (call["status"], call["tokens_in"], call["kept"], len(call["messages"])) == ("ok", 10, 0, 4)
    assert set(call["secrets"].values()) == {1}
    assert len(call["secrets"]) == 4


def test_only_what_is_new_is_written_down_again(client: Client) -> None:
    with ModelServer([Reply("one"), Reply("two")]) as server:
        client.register(model="openai/any", api_base=server.url)
        client.ask(turns=0)
        client.ask(turns=1)
    first, second = sent("run-1", None, full=True)
    assert [message["message"]["content"] for message in first["messages"]] == ["do it"]
    assert second["kept"] == 1
    assert [message["message"]["content"] for message in second["messages"]] == ["did 0", "go on"]


def test_a_key_that_a_server_sends_back_is_masked(client: Client) -> None:
    key = "sk-of-the-user-4711"
    client.post("/kage/keys", {"MY_KEY": key})

    def echo(body: dict[str, Any], headers: dict[str, str]) -> Reply:
        sent_key = headers["authorization"].removeprefix("Bearer ")
        return chunks(["you sent ", sent_key[:5], sent_key[5:], "!"], [json.dumps({"k": sent_key})])

    with ModelServer(echo) as server:
        client.register(model="openai/any", api_base=server.url, api_key_env="MY_KEY")
        text, arguments = joined(client.ask().events)
        assert (text, json.loads(arguments)) == ("you sent [key]!", {"k": "[key]"})
        client.ask(messages=[{"role": "user", "content": f"my key is {key}"}])
    assert key not in json.dumps(server.requests[1].body)


def test_no_redirect_and_no_proxy_carries_a_call_away(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ModelServer(Reply("stolen")) as elsewhere, ModelServer(Reply("mine")) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{elsewhere.port}")
        for model in ("openai/any", "hosted_vllm/any"):
            client.register(model=model, api_base=server.url)
            assert client.ask(stream=False).text == "mine"
    assert not elsewhere.requests
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name)
    with ModelServer(Reply("stolen")) as elsewhere:
        away = Reply(status=307, raw="", location=f"{elsewhere.url}/chat/completions")
        with ModelServer(away) as server:
            for model in ("openai/any", "hosted_vllm/any"):
                client.register(model=model, api_base=server.url)
                for stream in (True, False):
                    assert client.ask(stream=stream).error["message"]
            assert server.requests
        assert not elsewhere.requests


def rules(*allow: str) -> dict[str, Any]:
    return {"rules": [{"allow": list(allow), "file": "/repo/.kage.toml"}]}


def test_what_is_not_allowed_is_refused_before_a_byte_leaves(client: Client) -> None:
    with ModelServer(Reply("well")) as server:
        for player, allow, status in (
            ({"model": "openai/any", "api_base": server.url}, ("local",), 200),
            ({"model": "openai/any", "api_base": server.url}, ("openai",), 200),
            ({"model": "openai/any", "api_base": server.url}, ("anthropic",), 403),
            ({"model": "openai/any", "api_base": server.url}, (), 403),
            ({"model": "openai/gpt-oss:120b-cloud", "api_base": server.url}, ("local",), 403),
            ({"model": "ollama/glm:cloud", "api_base": server.url}, ("local", "ollama"), 403),
            ({"model": "openai/gpt-5", "api_key_env": "NO_SUCH"}, ("local",), 403),
        ):
            before = len(server.requests)
            client.register(privacy=rules(*allow), **player)
            answer = client.ask()
            assert answer.status == status, (player, allow, answer.events)
            assert len(server.requests) - before == (status == 200)
            if status == 403:
                assert answer.error["type"] == "privacy"
                assert "/repo/.kage.toml" in answer.error["message"]


class Ollama(BaseHTTPRequestHandler):
    """A server that has a model of its makers' machines; ``version`` and ``shown`` are seconds it takes."""

    server: Any

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        time.sleep(self.server.version)
        self.say({"version": "0.12.6"} if self.path == "/api/version" else {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append(self.path)
        if self.path == "/api/show":
            time.sleep(self.server.shown)
            self.say(
                {"remote_host": "https://ollama.com:443"} if body["model"] == "mine" else {"details": {}}
            )
        else:
            self.say(
                {
                    "message": {"role": "assistant", "content": "well"},
                    "choices": [
                        {
                            "index": 0,
                            "message": {"role": "assistant", "content": "well"},
                            "finish_reason": "stop",
                        }
                    ],
                    "done": True,
                }
            )

    def say(self, body: object) -> None:
        with contextlib.suppress(BrokenPipeError):
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)


def test_a_model_of_ollamas_makers_is_not_local_whatever_its_name(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ollama, "ASK_SECONDS", 0.6)
    monkeypatch.setattr(ollama, "LOOK_SECONDS", 0.3)
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Ollama)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    try:
        for model, url, version, shown, status in (
            ("openai/mine", f"{base}/v1", 0, 0, 403),
            ("openai/mine", f"{base}/v1", 0, 0.8, 403),
            ("openai/mine", f"{base}/v1", 0.5, 0, 403),
            ("ollama_chat/mine", base, 0, 0, 403),
            ("ollama_chat/mine", base, 0, 0.8, 403),
            ("openai/own", f"{base}/v1", 0, 0, 200),
        ):
            server.version, server.shown, server.asked = version, shown, []
            client.register(privacy=rules("local"), model=model, api_base=url)
            answer = client.ask(stream=False)
            assert answer.status == status, (model, version, shown, answer.events)
            assert (server.asked[1:] == []) == (status == 403)
            if status == 403:
                assert "ollama.com" in answer.error["message"]
    finally:
        server.shutdown()
        server.server_close()


def test_each_attempt_that_left_is_written_down(client: Client) -> None:
    replies = in_order([refusal(429, "slow down", retry_after=0.1), refusal(500, "broken"), Reply("well")])
    with ModelServer(replies) as server:
        client.register(model="openai/any", api_base=server.url)
        assert client.ask().text == "well"
    calls = sent("run-1", None, full=False)
    assert len(server.requests) == 3
    assert [call["status"] for call in calls] == ["failed", "failed", "ok"]
    assert [(call["kept"], len(call["messages"])) for call in calls] == [(0, 1), (1, 0), (1, 0)]


def resolving(**names: list[str]) -> Callable[[str], Any]:
    async def resolve(host: str) -> list[str]:
        return names.get(host.replace(".", "_"), [host])

    return resolve


@pytest.mark.parametrize(
    ("base", "allow", "called"),
    [
        ("http://models.test:8000/v1", ["local"], "http://127.0.1.1:8000/v1"),
        ("https://models.test/v1", ["local"], "https://models.test/v1"),
        ("http://two.test/v1", ["local"], None),
        ("http://none.test/v1", ["local"], None),
        ("http://0.0.0.0:1/v1", ["local"], None),
        ("http://192.168.1.2/v1", ["local"], None),
        ("http://[::ffff:127.0.0.1]:9/v1", ["local"], "http://[::ffff:127.0.0.1]:9/v1"),
        ("http://[::1]:9/v1", ["local"], "http://[::1]:9/v1"),
        ("http://two.test/v1", ["openai"], None),
        ("http://two.test/v1", ["TWO.test"], "http://two.test/v1"),
    ],
)
def test_local_is_decided_by_the_address(base: str, allow: list[str], called: str | None) -> None:
    resolve = resolving(models_test=["127.0.1.1"], two_test=["127.0.0.1", "203.0.113.7"], none_test=[])
    player = Player(model="openai/any", api_base=base)
    work = privacy.allowed("fast", player, [Rule(allow, "/c.toml")], resolve)
    if called is None:
        with pytest.raises(KageError, match=r"fast.*/c\.toml") as refused:
            asyncio.run(work)
        assert "/c.toml" in str(refused.value.fix)
    else:
        assert asyncio.run(work).api_base == called


def test_both_files_have_to_allow() -> None:
    player = Player(model="openai/any", api_base="http://127.0.0.1:1/v1")
    named = Player(model="openai/any", api_base="http://local:1/v1")
    with pytest.raises(KageError, match=r"local is 10\.1\.2\.3"):
        asyncio.run(privacy.allowed("fast", named, [Rule(["local"], "/a")], resolving(local=["10.1.2.3"])))
    both = [Rule(["local"], "/a"), Rule(["anthropic"], "/b")]
    with pytest.raises(KageError, match="/b"):
        asyncio.run(privacy.allowed("fast", player, both))
    with pytest.raises(KageError, match="signs in to anthropic by itself"):
        privacy.allowed_login("mine", ["anthropic", "claude"], [Rule(["local"], "/a")])
    privacy.allowed_login("mine", ["anthropic", "claude"], [Rule(["anthropic"], "/a")])


def test_formats_that_are_found_and_text_that_is_none() -> None:
    numbered = "\n".join(f"{n:6}\t{line}" for n, line in enumerate(PEM.splitlines(), 1))
    for text, secret in (
        (numbered, "MIIEow"),
        (PEM.replace("\n", "\\n"), "MIIEow"),
        (PEM[:60] + "\n[12 lines left out]", "MIIEow"),
        (PEM[-70:], "MIIEow"),
        ('{"api_key": "' + "sk-ant-api03-" + "abcD1234" * 8 + '"}', "abcD1234"),
        ("glpat-" + "abcdefghij1234567890", "abcdefghij"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def_ghi", "abc-def_ghi"),
        ("cloudant_password=" + "0123456789abcdef" * 4, "0123456789abcdef"),
        ("x" * 40_000 + " " + AWS, AWS),
    ):
        found = detect.find(text)
        assert found, text[:50]
        for entry in found:
            text = text.replace(entry.value, "")
        assert secret not in text
    for text in ("password = input()", "def test_a_quite_long_function_name_here():", "sk-task-force-" * 4):
        assert detect.find(text) == []
    word = "q7Zp2LkX9vBnM4sTwY8dRf3HcJ6"
    assert [entry.value for entry in detect.find(f"id: {word}", entropy=True)] == [word]
    assert detect.find(f"id: {word}") == []


LOT = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0"
SECRETS = {
    "npm": f"npm_{LOT[:36]}",
    "Stripe test": f"sk_test_{LOT[:24]}",
    "Slack app": f"xapp-1-A0123456789-1234567890123-{LOT.lower()}",
    "GitHub, fine-grained": f"github_pat_{LOT[:22]}_{LOT}{LOT[:19]}",
    "GitLab": f"glpat-{LOT[:20]}",
    "Google": f"AIzaSy{LOT[:33]}",
    "OpenAI project": f"sk-proj-{LOT}_{LOT}-{LOT}",
    "OpenAI": f"sk-{LOT}{LOT[:8]}",
    "Anthropic": f"sk-ant-api03-{LOT}-{LOT}AA",
    "HuggingFace": f"hf_{LOT[:34]}",
    "Twilio": "SK" + "0123456789abcdef" * 2,
    "SendGrid": f"SG.{LOT[:22]}.{LOT}abc",
    "PyPI": f"pypi-AgEIcHlwaS5vcmc{LOT}{LOT}",
    "age": "AGE-SECRET-KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" + "QPZRY9X8GF2TVDW0S3JN54KHCE",
    "Vault": f"hvs.{LOT}",
    "a kubeconfig's key": "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpN" + LOT,
}
NAMED = (
    '{"SecretAccessKey": "%s", "x": 1}',
    "aws_secret_access_key = %s",
    "export AWS_SECRET_ACCESS_KEY='%s'",
    'secretAccessKey: "%s"',
    '"{\\"SecretAccessKey\\": \\"%s\\"}"',
    "curl -H 'Authorization: Bearer %s' https://x.test",
    '{"Authorization": "Bearer %s"}',
    '{"x-api-key": "%s"}',
    "//registry.npmjs.org/:_authToken=%s",
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=%s==;EndpointSuffix=x",
)
PLAIN = (
    "p = APClientFactoryX(AKCollectionViewController)",
    "class sk-loading-indicator-with-very-long-name-2x-container-wide",
    "sk-ant-colony-optimization-algorithm-v2",
    "TASK" + "0123456789abcdef" * 2,
    "img-" + "0123456789abcdef" * 2 + "-us1.png",
    "ibm_cloud_resource_group_configuration_key = value_with_exactly_fortyfour_characters_abcdef",
    'f"postgres://{user}:{password_value}@{host}/{name}"',
    "mongodb://<username>:<password>@cluster redis://:${REDIS_PASSWORD}@localhost",
    "postgres://%s:%s@%s/x http://u:***@h http://u:xxxxx@h http://u:$TOKEN@h http://u:DB_PASSWORD@h",
    "http://host:8080/path@x https://a.test/~b:c@d",
    "Authorization: Bearer YOUR_ACCESS_TOKEN_HERE, or Bearer authentication-with-a-long-name",
    "data:image/png;base64,iVBORw0KGgo= data: none",
)


def test_each_format_is_found_whole_wherever_it_stands() -> None:
    for name, secret in SECRETS.items():
        for text in (secret, f'key="{secret}"', f"a {secret}, and", json.dumps({"k": f"\n{secret}\n"})):
            found = detect.find(text)
            assert secret in [entry.value for entry in found], (name, text, found)
    for form in NAMED:
        assert any(LOT in entry.value for entry in detect.find(form % LOT)), form
    for text in PLAIN:
        assert detect.find(text) == [], text
    token = "eyJ" + "aB1c" * 100 + "." + "Zq9w" * 400 + "." + "SIGNATURE" * 5
    for before in range(detect.STRIDE - 2000, detect.STRIDE + 200, 400):
        assert detect.find("x " * (before // 2) + token)[0].value == token
        assert detect.find("x" * before + " " + AWS)[0].value == AWS


def test_a_private_key_is_found_in_any_dress_and_code_between_constants_is_none() -> None:
    lines = ["MIIEowIBAAKCAQEA" + "b7Zq3vP+/" * 5 + str(n) * 3 for n in range(9)] + ["c9Q="]
    begin, end = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"
    whole = [begin, "Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,0123456789ABCDEF", "", *lines, end]
    dressed = {
        "plain": "\n".join(whole),
        "json": json.dumps({"key": "\n".join(whole)}),
        "json twice": json.dumps(json.dumps({"key": "\r\n".join(whole)})),
        "python": "KEY = (\n" + "\n".join(f'    b"{line}\\n"' for line in whole) + "\n)",
        "javascript": "x = " + " +\n  ".join(f"'{line}\\n'" for line in whole) + ";",
        "list": json.dumps(whole, indent=1),
        "diff": "\n".join(f"-{line}" for line in whole),
        "numbered": "\n".join(f"{n:6}\t{line}" for n, line in enumerate(whole)),
        "grep": "\n".join(f"keys/id.pem:{n}:{line}" for n, line in enumerate(whole)),
        "one line": " ".join([begin, *lines, end]),
        "yaml": "key: |\n" + "\n".join(f"  {line}" for line in whole),
        "no end": "\n".join(whole[:-1]) + "\n[3 lines left out]",
        "cut": "\n".join(whole)[:300],
        "no beginning": "\n".join(whole[7:]),
    }
    for name, text in dressed.items():
        left = f"before\n{text}\nafter"
        for entry in detect.find(left):
            left = left.replace(entry.value, "")
        assert not [line for line in lines if line[:10] in left or line in left], (name, left)
        assert left.startswith("before"), name
        assert left.endswith("after") or name == "cut", (name, left)
    code = "\n".join(f"def handler_{i}(x):\n    return x * {i}" for i in range(60))
    for between in (code, "", "pass", "# averyveryverylongword\nreturn x"):
        text = f'PEM_HEADER = "{begin}"\n{between}\nPEM_FOOTER = "{end}"\n'
        assert detect.find(text) == [], between


def test_what_begins_with_data_is_masked_and_files_go_as_they_are(client: Client) -> None:
    text = f"data:\n  token: {TOKEN}\n"
    picture = "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAA" * 20 + AWS
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    used = {"type": "tool_use", "id": "a", "name": "f", "input": {"data": TOKEN, "format": "x"}}
    result = {"type": "tool_result", "tool_use_id": "a", "content": text}
    asked: tuple[tuple[str, dict[str, Any]], ...] = (
        (
            "/v1/chat/completions",
            {
                "messages": [
                    {"role": "user", "content": text},
                    {"role": "assistant", "content": None, "tool_calls": [call]},
                    {"role": "tool", "tool_call_id": "a", "content": text},
                    {
                        "role": "user",
                        "content": [
                            {"type": "image_url", "image_url": {"url": picture}},
                            {"type": "image_url", "image_url": {"url": f"data:{TOKEN}"}},
                        ],
                    },
                ]
            },
        ),
        (
            "/v1/messages",
            {
                "max_tokens": 9,
                "messages": [
                    {"role": "user", "content": text},
                    {"role": "assistant", "content": [used]},
                    {"role": "user", "content": [result]},
                ],
            },
        ),
        (
            "/v1/responses",
            {
                "input": [
                    {"role": "user", "content": text},
                    {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
                    {"type": "function_call_output", "call_id": "a", "output": text},
                ]
            },
        ),
        ("/v1beta/models/any:generateContent", {"contents": [{"role": "user", "parts": [{"text": text}]}]}),
    )
    with ModelServer(Reply("well")) as server:
        client.register(model="openai/any", api_base=server.url)
        for url, body in asked:
            connection = client.connect()
            headers = {"Authorization": "Bearer T1", "Content-Type": "application/json"}
            connection.request("POST", url, json.dumps({"model": "any", **body}), headers)
            assert connection.getresponse().read()
            connection.close()
    left = [json.dumps(request.body) for request in server.requests]
    assert len(left) == len(asked)
    assert not [body for body in left if TOKEN in body]
    assert picture in left[0]


def test_a_password_is_one_in_its_url_only(client: Client) -> None:
    text = "DB=postgres://admin:development@db.test/x NODE_ENV=development redis://:hunter2!@h"
    with ModelServer(Reply("well")) as server:
        client.register(model="openai/any", api_base=server.url)
        client.ask(messages=[{"role": "user", "content": text}])
    left = server.requests[0].body["messages"][0]["content"]
    assert left.endswith("@h")
    assert "NODE_ENV=development" in left
    assert ":development@" not in left
    assert "hunter2" not in left


def test_only_the_end_that_may_begin_a_needle_is_held_back() -> None:
    restorer = Restorer({"KAGE_SECRET_A": "1"})
    assert restorer.delta({"content": "plain K"}) == [{"content": "plain "}]
    assert restorer.delta({"content": "nife"}) == [{"content": "Knife"}]
    assert restorer.delta({"content": "KAGE_SECRET"}) == []
    other = {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "x", "arguments": "{}"}}]}
    assert restorer.delta(other) == [{"content": "KAGE_SECRET"}, other]
    assert restorer.delta({"content": "KAGE_SECRET_A and KAGE"}) == [{"content": "1 and "}]
    assert restorer.flush() == [{"content": "KAGE"}]


def test_a_run_is_recorded_and_played_byte_for_byte(client: Client, tmp_path: Path) -> None:
    wires = ("/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1beta/models/any")
    tape = tmp_path / "run.jsonl"

    def raw(token: str, url: str, stream: bool, turn: int) -> bytes:
        said: list[dict[str, Any]] = [{"role": "user", "content": f"{token}: my key is {AWS}"}]
        for n in range(turn):
            said += [{"role": "assistant", "content": f"{n}"}, {"role": "user", "content": "on"}]
        body: dict[str, Any] = {"model": "any", "stream": stream, "max_tokens": 99}
        body |= {"input" if "responses" in url else "messages": said}
        if "v1beta" in url:
            url += ":streamGenerateContent?alt=sse" if stream else ":generateContent"
            roles = {"user": "user", "assistant": "model"}
            body = {"contents": [{"role": roles[m["role"]], "parts": [{"text": m["content"]}]} for m in said]}
        connection = client.connect()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request("POST", url, json.dumps(body), headers)
        answer = connection.getresponse()
        assert answer.status == 200
        found = answer.read()
        connection.close()
        return found

    def answer(body: dict[str, Any], headers: dict[str, str]) -> Reply:
        asked = json.dumps(body["messages"])
        key = PLACEHOLDER.search(asked)
        assert key
        who = asked.partition(": my key")[0][-2:]
        call = ("shell", {"command": f"echo {key[0]} {who}"})
        return Reply(
            f"{who} says {key[0]} twice", tool_calls=[call] if body["messages"][-1]["content"] != "on" else ()
        )

    def play(wire: str, stream: bool) -> dict[tuple[str, int], bytes]:
        return {(t, turn): raw(t, wire, stream, turn) for turn in (0, 1) for t in ("T1", "T2", "T3")}

    for wire, stream in ((wire, stream) for wire in wires for stream in (True, False)):
        tape.unlink(missing_ok=True)
        with ModelServer(answer) as server:
            for n in (1, 2, 3):
                client.register(f"T{n}", number=n, model="openai/any", api_base=server.url, record=str(tape))
            live = play(wire, stream)
        assert AWS.encode() in live["T2", 0]
        assert AWS not in tape.read_text()
        assert stat.S_IMODE(tape.stat().st_mode) == 0o600
        for n in (1, 2, 3):
            client.register(f"T{n}", number=n, recorded=str(tape))
        assert play(wire, stream) == live, wire
