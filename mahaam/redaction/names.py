"""Names of secrets: in code, in headers, and as people write them in English, Arabic, Persian."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

Words = tuple[str, ...]

# Names are read as words: `cardNumber`, `card-number` and `CARD_NUMBER` contain "card", "discard"
# does not. Those of five letters and more also count at the end of a word: `accesstoken`.
ALWAYS = (
    "password", "passwd", "passphrase", "passcode", "passkey", "pass_word", "pass_phrase", "pass_code", "pwd",
    "token", "secret", "card", "creditcard", "cvv", "cvv2", "cvc", "cvc2", "csc", "pin", "otp", "totp", "hotp",
    "authorization", "api_key", "apikey", "access_key", "accesskey", "private_key", "secret_key", "auth_key",
    "account_key", "encryption_key", "signing_key", "master_key", "shared_key", "session_key", "client_key",
    "ssh_key", "storage_key", "service_key", "app_key", "consumer_key", "license_key", "webhook_key", "aes_key",
    "rsa_key", "hmac_key", "fernet_key", "decryption_key", "subscription_key", "publish_key", "bot_key",
    "auth_code", "security_code", "verification_code", "one_time_code", "mfa_code", "recovery_code",
    "backup_code", "access_code", "login_code", "sms_code", "credential", "cookie", "session_id", "sessionid",
    "phpsessid", "jsessionid", "csrf", "xsrf", "jwt", "bearer", "iban", "account_number", "ssn", "social_security",
    "seed_phrase", "recovery_phrase", "mnemonic",
    "passwort", "kennwort", "mot_de_passe", "motdepasse", "contraseña", "contrasena", "senha", "parola", "пароль",
)  # fmt: skip
# These end a name: `db_pass` and `http_auth`, but neither `auth_method` nor `first_pass`.
AT_THE_END = ("pass", "auth", "signature", "sig", "hmac", "pw", "psw", "sid")
# As they are written after folding: without article, with one letter for each sound.
IN_ARABIC_SCRIPT = (
    "كلمه مرور", "كلمه سر", "كلمه رمز", "كلمه عبور", "رمز سري", "رمز مرور", "رمز عبور", "رمز تحقق", "رمز تاكيد",
    "رمز امان", "رمز دخول", "رمز ورود", "رمز دوم", "رمز اول", "رمز پويا", "رمز يكبار", "رمز كارت", "رمز بطاقه",
    "رمز توثيق", "رمز وصول", "رقم سري", "كود تحقق", "كود سري", "كد تاييد", "كد امنيتي", "عبارت عبور", "عباره مرور",
    "گذرواژه", "گذر واژه", "گذركلمه", "پسورد", "باسورد", "باسوورد", "پسوورد", "بسورد", "پين كد", "پين", "توكن", "مفتاح سري", "مفتاح خاص",
    "مفتاح وصول", "مفتاح api", "كليد خصوصي", "كليد محرمانه", "كليد مخفي", "كليد api", "رقم بطاقه", "شماره كارت",
    "شماره شبا", "شبا", "ايبان", "رقم حساب", "شماره حساب", "بيانات اعتماد", "توقيع", "امضا",
)  # fmt: skip
ALONE = ("رمز",)  # "code" in Arabic, so only a name that is nothing else
LONG = 5
MOST_WORDS = 6
LONGEST_NAME = 200

# `token_count`, `max_tokens` and `password_changed_at` are about secrets, but do not contain them.
TELLS_ABOUT = frozenset({
    "count", "limit", "length", "size", "type", "expires", "expiry", "expired", "expiration", "ttl", "at", "policy",
    "strength", "min", "max", "used", "usage", "remaining", "required", "enabled", "disabled", "field", "attempts",
    "status", "file", "path", "stdin", "prompt", "brand", "scheme", "method", "mode", "format", "version", "algorithm",
})  # fmt: skip
COUNTS = frozenset(
    {"max", "min", "num", "total", "no", "has", "is", "needs", "requires", "used", "prompt"}
)
PASSES = frozenset({"first", "second", "third", "last", "one", "two", "single", "multi", "by", "low", "high", "band",
                    "all", "boarding", "render", "next", "did", "tests"})  # fmt: skip

WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
NOT_A_NAME = re.compile(r"(?:Error|Exception|Warning)$")  # `TokenError: …`: its message
ARABIC_SCRIPT = re.compile(r"[\u0600-\u06ff]")
ARTICLE = re.compile(r"^[وبلف]?(?:ال|لل)(?=..)")
ONE_LETTER = str.maketrans(
    {"ک": "ك", "ی": "ي", "ى": "ي", "ئ": "ي", "ة": "ه", "ۀ": "ه", "أ": "ا", "إ": "ا", "آ": "ا", "ؤ": "و"}
    # Vowel signs, the lengthening stroke, and what is invisible.
    | dict.fromkeys(map(chr, (*range(0x64B, 0x656), 0x670, 0x640, 0x200C, 0x200D, 0x200E, 0x200F, 0x61C)))
)  # fmt: skip


SHORT = 100  # characters; in such a text one search for all stems is faster than one for each


@dataclass(frozen=True)
class Names:
    """Names of secrets, each as its words; made by `names_of`."""

    anywhere: frozenset[Words]

    def hide(self, name: str) -> bool:
        """Return True if the value under `name` is secret."""
        return _hide(self.anywhere, name[-LONGEST_NAME:])

    @cached_property
    def stems(self) -> tuple[str, ...]:
        """Return texts, in lower case, of which one is in every text that names a secret."""
        first = {words[0] for words in self.anywhere} | set(AT_THE_END)
        stems = sorted(first, key=len)
        return tuple(
            stem
            for place, stem in enumerate(stems)
            if not any(shorter in stem for shorter in stems[:place])
        )

    def named_in(self, text: str) -> bool:
        """Return True if `text` may name a secret."""
        lowered = text.lower()
        if len(lowered) < SHORT:
            is_named = self._any_stem.search(lowered) is not None
        else:
            is_named = any(stem in lowered for stem in self.stems)
        return is_named or bool(ARABIC_SCRIPT.search(text))

    @cached_property
    def _any_stem(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, self.stems)))


def names_of(further: Iterable[str]) -> Names:
    """Return the names that are always hidden, and `further` ones."""
    words = (words_of(name) for name in (*ALWAYS, *further))
    return Names(frozenset(name for name in words if name))


def tells_number(name: str, value: object) -> bool:
    """Return True if a number is no secret but a count: `tokens: 512`, `pass=12`."""
    last = words_of(name[-LONGEST_NAME:])[-1:]
    if last == ("tokens",):
        return str(value).isdigit() and len(str(value)) <= 8
    return last == ("pass",) and str(value).isdigit() and len(str(value)) <= 3


def words_of(name: str) -> Words:
    """Return the words of a name, in lower case."""
    return tuple(word.lower() for word in WORDS.findall(name))


@lru_cache(maxsize=8192)  # the same few names come again and again
def _hide(names: frozenset[Words], name: str) -> bool:
    if NOT_A_NAME.search(name):
        return False
    if ARABIC_SCRIPT.search(name):
        return _hide_arabic(name) or _contains(words_of(name), names)
    words = words_of(name)
    if _tells_about(words):
        return False
    return _ends_secretly(words) or _contains(words, names)


def _tells_about(words: Words) -> bool:
    counts = len(words) > 1 and words[0] in COUNTS and words[1:] != ("pass",)
    return (len(words) > 1 and words[-1] in TELLS_ABOUT) or counts


def _ends_secretly(words: Words) -> bool:
    named = tuple(word for word in words if not word.isdigit())
    if not named or named[-1] not in AT_THE_END:
        return False
    return named[-1] != "pass" or len(named) == 1 or named[-2] not in PASSES


def _hide_arabic(name: str) -> bool:
    """Return True if an Arabic or Persian name of a secret ends here, at most one word before the end."""
    folded = name.lower().translate(ONE_LETTER)
    words = [ARTICLE.sub("", word) for word in re.findall(r"[^\W_]+", folded)]
    if " ".join(words) in ALONE:
        return True
    ends = (len(words), len(words) - 1)
    return any(_ends_with(words[:end], phrase) for end in ends for phrase in _arabic_phrases())


def _ends_with(words: list[str], phrase: Words) -> bool:
    if words and len(phrase) > 1 and words[-1].replace("ال", "") == "".join(phrase):
        return True  # written together
    if len(words) < len(phrase):
        return False
    first, *rest = words[-len(phrase) :]
    # "And" is a prefix of the first word.
    *before, last = (first if first == phrase[0] else first.removeprefix("و")), *rest
    *wanted, end = phrase
    # A pronoun may be a suffix of the last word: `your password`.
    return before == wanted and (last == end or (len(end) > 3 and last.startswith(end)))


@lru_cache(maxsize=1)
def _arabic_phrases() -> tuple[Words, ...]:
    return tuple(tuple(phrase.split()) for phrase in IN_ARABIC_SCRIPT)


def _contains(words: Words, secret: frozenset[Words]) -> bool:
    """Return True if some consecutive `words` are a secret's name, or one word ends with it."""
    for at in range(len(words)):
        for size in range(1, min(MOST_WORDS, len(words) - at) + 1):
            some = words[at : at + size]
            if some in secret or (*some[:-1], _singular(some[-1])) in secret:
                return True
    endings = _endings(secret)
    return any(_singular(word).endswith(endings) for word in words)


@lru_cache(maxsize=256)
def _endings(secret: frozenset[Words]) -> tuple[str, ...]:
    joined = ("".join(words) for words in secret)
    return tuple(ending for ending in joined if len(ending) >= LONG)


def _singular(word: str) -> str:
    return word.removesuffix("s")
