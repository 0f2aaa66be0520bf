"""Random session contents: every type that Flask tags, and the corners where encoders differ."""

import random
import struct
import uuid
from datetime import datetime, timedelta, timezone

from markupsafe import Markup

TAGS = [" t", " b", " m", " u", " d", " di", " zz", " ", "t", " t__", " u__", "__"]
INTEGERS = [0, -1, 2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, 10**400]
FLOATS = [
    0.0, -0.0, 1.0, 0.1, 1e15, 1e16, 1e17, 1e22, 1e23, 1e-4, 1e-5, 5e-324, -5e-324, 123456789.125,
    2.2250738585072014e-308, 1.7976931348623157e308, 9007199254740993.0, 4.35, 1 / 3,
]  # fmt: skip
NOT_FINITE = [float("nan"), float("inf"), float("-inf")]
ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyz_0123456789",
    ' "\\/<>&\'=;,%+\x7f',
    "".join(map(chr, range(0x20))),
    "äßéñøžЖשع日本語한\u0080\u00a0\u2028\u2029\ufeff\ufffd\uffff",
    "😀🏳\U00010000\U0010ffff𝒳",
]
LONE = "\ud800\udbff\udc00\udfff"


class Maker:
    """Makes sessions; the same seed makes the same ones.

    `extra` widens what is made: "nonfinite" (NaN and the infinities), "surrogates" (lone ones).
    """

    def __init__(self, seed, extra=()):
        self.random = random.Random(seed)
        self.floats = FLOATS + NOT_FINITE if "nonfinite" in extra else FLOATS
        self.alphabets = ALPHABETS + [LONE] if "surrogates" in extra else ALPHABETS
        self.leaves = [
            lambda: None,
            lambda: self.random.random() < 0.5,
            self.integer,
            self.float,
            self.text,
            self.text,
            lambda: self.random.randbytes(self.length()),
            lambda: Markup(self.text()),
            lambda: uuid.UUID(int=self.random.getrandbits(128)),
            self.datetime,
        ]

    def session(self):
        """The contents of one session: text keys, any values."""
        session = {self.key(): self.value(4) for _ in range(self.random.randrange(6))}
        if self.random.random() < 0.1:  # long and regular: Flask compresses it
            session["log"] = [self.text()] * self.random.randrange(1, 60)
        return session

    def value(self, depth):
        kind = self.random.random()
        if depth == 0 or kind < 0.6:
            return self.random.choice(self.leaves)()
        if kind < 0.7:  # one key that looks like a tag: Flask escapes it
            return {self.random.choice(TAGS): self.value(depth - 1)}
        members = [self.value(depth - 1) for _ in range(self.random.randrange(5))]
        if kind < 0.8:
            return members
        if kind < 0.9:
            return tuple(members)
        return {self.key(): member for member in members}

    def key(self):
        if self.random.random() < 0.05:
            return self.random.choice(TAGS)
        return self.text()

    def text(self):
        alphabet = self.random.choice(self.alphabets)
        return "".join(self.random.choices(alphabet, k=self.length()))

    def length(self):
        return self.random.choice([0, 1, 2, 3, 5, 8, 13, 40])

    def integer(self):
        kind = self.random.randrange(3)
        if kind == 0:
            return self.random.choice(INTEGERS)
        return self.random.randrange(-1000, 1000) if kind == 1 else self.random.getrandbits(70)

    def float(self):
        kind = self.random.randrange(3)
        if kind == 0:
            return self.random.choice(self.floats)
        if kind == 1:
            return round(self.random.uniform(-1e6, 1e6), self.random.randrange(8))
        value = struct.unpack(">d", self.random.randbytes(8))[0]
        return value if value - value == 0.0 else 0.5

    def datetime(self):
        seconds = self.random.randrange(-62_000_000_000, 253_000_000_000)
        value = datetime(1970, 1, 1) + timedelta(seconds=seconds)
        if self.random.random() < 0.5:
            value = value.replace(microsecond=self.random.randrange(1_000_000))
        if self.random.random() < 0.5:
            offset = timedelta(minutes=self.random.randrange(-14 * 60, 14 * 60 + 1))
            value = value.replace(tzinfo=timezone(offset))
        return value
