"""What looks like a secret in a reason, and what does not."""

import pytest

from bot.language.secret_like import masked
from bot.redaction import MASK


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("password=hunter2", "hunter2"),
        ("reset, password=correcthorse please", "correcthorse"),
        ('login with pwd="two words"', "two words"),
        ("the password is hunter2, sorry", "hunter2"),
        ("password: Tr0ub4dor&3.", "Tr0ub4dor&3"),
        ("root password 7hX9qL2m", "7hX9qL2m"),
        ("token abcdef123456 leaked", "abcdef123456"),
        ("the access token is a8f5f167f44f", "a8f5f167f44f"),
        ("api_key=abc", "abc"),
        ("leaked sk-proj-a1B2c3D4e5F6g7", "sk-proj-a1B2c3D4e5F6g7"),
        ("sk-abc123def", "sk-abc123def"),
        ("bot token xoxb-1234-abcd", "xoxb-1234-abcd"),
        ("ghp_abcdefghij0123456789", "ghp_abcdefghij0123456789"),
        ("clone https://bob:hunter22@git.example.com/x", "hunter22"),
        ("Authorization: Bearer abcdefghijklmnop", "abcdefghijklmnop"),
        ("密码是 Abc12345", "Abc12345"),
        ("密码：abc123，请重启", "abc123"),
        ("ｐａｓｓｗｏｒｄ＝hunter2", "hunter2"),
        ("the secret token is q7w8e9r0t1", "q7w8e9r0t1"),
        ("-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----", "MIIabc"),
    ],
)
def test_a_secret_is_masked_and_the_rest_stays(text: str, secret: str) -> None:
    assert secret not in masked(text)
    assert MASK in masked(text)
    assert masked(masked(text)) == masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "the disk is full",
        "password reset for bob",
        "password: reset it for bob",
        "the password was forgotten",
        "forgot the root password on train-01",
        "token expired on 2026-11-30",
        "token OPS-1234 is about this",
        "the API token rotates, see OPS-77",
        "token ring test on gpu-node-12",
        "secret project needs gpu1",
        "sk-learn 1.5 crashes, sk-learn-2024 too",
        "restart 7a9Qx2LkfP3mZ8wRt5Yb on ae21fd00d2f2a143f48b6f78a4c2acd5efbe975494088fd9",
        "tests pass: 3/4 on ubuntu-22.04",
        "see https://wiki.example.com/OPS-12?page=3",
        "密码重置，机器无响应",
        "重启以更新令牌",
        "seed 42 diverges",
        "basic maintenance, bearer of bad news",
    ],
)
def test_an_ordinary_reason_stays_as_it_is(text: str) -> None:
    assert masked(text) == text
