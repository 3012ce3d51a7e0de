"""Addresses and signatures: what is right verifies, what is wrong is told what it is."""

import pytest
from pydantic import SecretStr

from bot.dbc.errors import InvalidField
from bot.dbc.signatures import address_of, check_signature, public_key_of
from sandbox.dbc.keys import Wallet

# Published samples, docs/dbc-api.md §2.2.
WALLET = "5Dy8ULx1De6u3WE9ixpy1VKK2CVssvsjQT15qcmQsG662Zj4"
NONCE = "5q7KRn4d8EmXFFsim8vHBp23N2CpERbD2mWR3WCo1o3teZnGxYEh4N6"
NONCE_SIGN = (
    "2460725b2f5e737cd810c773be61b9b27c3b9dbdac4af9cf25c7be9949ad7202"
    "a0b7467f71ad843888f482662d3ae2e4fa566d3c1930a3fa90f3dcb97ea4098d"
)
SESSION = "3QRjS1PsbDReGJKVBBRqxUh9RqXB5jbfHJ8bMgGoJ3C9HHHHm9rCmmh"
SESSION_SIGN = (
    "ca89d0adb44a03c6f22a9205a06e22f682805f8c8ee25dd182e36ceb58189900"
    "1196ce94c40e2147247f967256d7e010318e4387853939d94ba99c81f16a358f"
)
ADA, BEN = Wallet.from_seed("ada"), Wallet.from_seed("ben")


@pytest.mark.parametrize(("text", "sign"), [(NONCE, NONCE_SIGN), (SESSION, SESSION_SIGN)])
@pytest.mark.parametrize("prefix", ["", "0x"])
def test_the_published_samples_verify(text: str, sign: str, prefix: str) -> None:
    assert check_signature(SecretStr(prefix + sign), text, (WALLET,)) == WALLET


def test_an_address_and_its_key_are_two_forms_of_one() -> None:
    assert address_of(public_key_of(WALLET)) == WALLET
    assert address_of(public_key_of(ADA.hex_id)) == ADA.address


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("1FRMM8PEiWXYax7rpS6X4XZX1aAAxSWx1CrKTyrVYhV24fg", "its prefix is 0, not 42"),
        ("HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F", "its prefix is 2, not 42"),
        (WALLET[:-1] + "5", "typing mistake"),
        (WALLET[:-3], "not a wallet address"),
        ("", "not a wallet address"),
        ("0OIl" * 12, "not a wallet address"),
        ("Ж" * 48, "not a wallet address"),
    ],
)
def test_a_wrong_address_is_told_what_is_wrong(address: str, told: str) -> None:
    with pytest.raises(InvalidField, match=told) as caught:
        public_key_of(address)
    assert caught.value.field == "wallet"


def test_of_several_wallets_the_one_that_signed_is_found() -> None:
    both = (ADA.address, BEN.address)
    assert check_signature(SecretStr(BEN.sign("text")), "text", both) == BEN.address


@pytest.mark.parametrize(
    ("sign", "told"),
    [
        (ADA.sign("<Bytes>text</Bytes>"), "wrapped in <Bytes>"),
        (ADA.sign(b"text".hex()), "hexadecimal digits"),
        (BEN.sign("text"), f"not by {ADA.address}"),
        (ADA.sign("another"), "another text was signed"),
        ("00" * 64, "another key has signed"),
        ("ff" * 64, "another key has signed"),
        ("ab" * 63, "128 hexadecimal digits"),
    ],
)
def test_a_wrong_signature_is_told_what_was_done_wrong(sign: str, told: str) -> None:
    with pytest.raises(InvalidField, match=told) as caught:
        check_signature(SecretStr(sign), "text", (ADA.address,))
    assert caught.value.field == "sign"
    assert sign not in f"{caught.value.sentence}{caught.value.hint}"
