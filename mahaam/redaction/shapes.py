"""Secrets that are recognised by their own shape, whatever precedes them: keys, tokens, cards, accounts.

The shapes are those that the issuers document. A library of them (detect-secrets) scans each line
once per shape and brings a client for HTTP; this module scans it once.
"""

from __future__ import annotations

import re
from functools import cache

# A run of letters that is long enough to be a key; the kind of key is decided from the run alone.
RUN = re.compile(r"(?<![\w-])[A-Za-z0-9][\w.:/+-]{14,}+={0,2}")
# Each begins behind a character that is in none of them: so a text is read once.
KEYS = re.compile(
    r"""(?<![\w-])(?:
    (?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z0-9]{16}\b         # AWS
  | gh[pousr]_[A-Za-z0-9]{16,}+ | github_pat_\w{20,}+       # GitHub
  | gl(?:pat|dt|rt|ptt|oas|cbt|ft|imt|agent|soat)-[\w.-]{16,}+   # GitLab
  | xox[a-z](?:\.xox[a-z])?-[\w-]{8,}+ | xapp-[\w-]{10,}+   # Slack
  | (?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{8,}+ | whsec_[\w/+=]{12,}+   # Stripe
  | AIza[\w-]{30,}+ | ya29\.[\w-]{16,}+ | GOCSPX-[\w-]{16,}+ | 1//0[\w-]{24,}+   # Google
  | sk-(?:ant|proj|or|svcacct|admin)-[\w-]{16,}+ | sk-[A-Za-z0-9]{32,}+ | hf_[A-Za-z0-9]{24,}+ | gsk_[A-Za-z0-9]{24,}+
  | SG\.[\w-]{16,}\.[\w-]{16,}+ | key-[0-9a-f]{32}\b | (?:SK|AC)[0-9a-f]{32}\b      # mail and telephone
  | npm_[A-Za-z0-9]{30,}+ | pypi-[\w-]{30,}+ | dckr_(?:pat|oat)_[\w-]{16,}+ | rubygems_[0-9a-f]{40,}+
  | hv[sbr]\.[\w-]{16,}+ | dop_v1_[0-9a-f]{40,}+ | dapi[0-9a-f]{32}\b | shp(?:at|ca|pa|ss)_[0-9a-fA-F]{24,}+
  | sq0[a-z]{3}-[\w-]{20,}+ | EAAA[\w-]{50,}+ | lin_api_\w{30,}+ | PMAK-[\w-]{30,}+ | NRAK-\w{20,}+ | glsa_\w{30,}+
  | sbp_[0-9a-f]{30,}+ | ATATT3[\w=-]{30,}+ | AGE-SECRET-KEY-1\w{40,}+ | dp\.(?:pt|st|sa)\.[\w.-]{20,}+
  | eyJ[\w-]{6,}+\.[\w-]{6,}+(?:\.[\w-]*+){0,3}             # JWT, JWE
  | \d{8,10}:AA[\w-]{32,}+                                  # Telegram
    )""",
    re.VERBOSE,
)
HOOK = re.compile(
    r"(?P<place>/services/T\w{2,16}/B\w{2,16}/|hooks\.slack\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api/webhooks/"
    r"|webhook\.office\.com/webhookb2/|chat\.googleapis\.com/v1/spaces/|api\.telegram\.org/bot)"
    r"(?P<secret>[^\s\"'<>•]++)"
)
PEM = re.compile(r"-----BEGIN (?P<kind>[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?|[A-Z0-9 ]{1,40})-----")
PUBLIC = ("CERTIFICATE", "PUBLIC KEY", "CERTIFICATE REQUEST", "PGP SIGNATURE", "PGP MESSAGE")
PEM_LINES = re.compile(r"(?:\s|\\[nrt]|[\w+/]{16,}+=*+|[\w-]+: [^\n\\]*+)*+")
PEM_LENGTH = 65_536

DIGITS = re.compile(
    r"(?<!\w)(?<!\d[.-])(?P<number>\d{13,19}"
    r"|(?<!\d[ .-])(?:\d{4}(?P<gap>[ .\u00a0-])\d{4}(?P=gap)\d{4}(?P=gap)\d{1,7}|\d{4}(?P<wide>[ .\u00a0-])\d{6}(?P=wide)\d{4,5}))"
    r"(?!\w|[.-]\d|[ \u00a0]\d{4}\b)"
)
# Card numbers of the issuers: the first digits of a number, and how long it is then.
CARDS = (
    (re.compile(r"4"), (16, 19)),
    (re.compile(r"5[1-5]|2(?:2[2-9]|[3-6]|7[01]|720)"), (16,)),
    (re.compile(r"3[47]"), (15,)),
    (re.compile(r"3(?:0[0-5]|[689])"), (14, 16, 19)),
    (re.compile(r"35"), (16, 17, 18, 19)),
    (re.compile(r"5|6"), (16, 17, 18, 19)),  # Discover, UnionPay, Maestro, the banks of Iran
    (re.compile(r"220[0-4]|9792"), (16,)),
)

ACCOUNT = re.compile(r"(?<![A-Za-z0-9])(?P<country>[A-Za-z]{2})\d\d", re.ASCII)
# Letters and digits of an account number, as ISO 13616 registers them.
LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IR": 26, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
    "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MA": 28, "MC": 27, "MD": 24, "ME": 22,
    "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28,
    "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19,
    "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24,
    "XK": 20, "YE": 30,
}  # fmt: skip


def hidden(text: str, mask: str) -> str:
    """Return `text` with all that has the shape of a secret replaced by `mask`."""
    if "-----BEGIN " in text:
        text = _without_pem(text, mask)
    if "://" in text or ".com/" in text or "/services/" in text:
        text = HOOK.sub(rf"\g<place>{mask}", text)
    text = RUN.sub(lambda run: KEYS.sub(mask, run[0]), text)
    text = DIGITS.sub(lambda found: mask if is_card(found["number"]) else found[0], text)
    return _without_accounts(text, mask)


def is_card(number: str) -> bool:
    """Return True for the number of a payment card: an issuer's beginning and length, and Luhn's sum."""
    digits = [int(sign) for sign in number if sign.isdigit()]
    plain = "".join(map(str, digits))
    if not any(len(digits) in lengths and begin.match(plain) for begin, lengths in CARDS):
        return False
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_account(text: str) -> bool:
    """Return True for an IBAN: letters and digits of its country's length, and 1 modulo 97."""
    cycle_result = (text[4:] + text[:4]).upper()
    return LENGTHS.get(text[:2].upper()) == len(text) and _modulo_97(cycle_result) == 1


def _modulo_97(text: str) -> int:
    return int("".join(str(int(sign, 36)) for sign in text)) % 97


def _without_pem(text: str, mask: str) -> str:
    parts, done = [], 0
    longest = PEM_LENGTH if "-----END " in text else 0
    for found in PEM.finditer(text):
        if found.start() < done or found["kind"].endswith(PUBLIC):
            continue
        parts += [text[done : found.end()], mask]
        done = _pem_ends(text, found, longest)
    return "".join([*parts, text[done:]])


def _pem_ends(text: str, found: re.Match[str], longest: int) -> int:
    """Return where the closing line begins, or, of a block that is cut off, where its lines end."""
    close = text.find(f"-----END {found['kind']}-----", found.end(), found.end() + longest)
    if close >= 0:
        return close
    body = PEM_LINES.match(text, found.end())
    return body.end() if body else found.end()


def _without_accounts(text: str, mask: str) -> str:
    parts, done = [], 0
    for found in ACCOUNT.finditer(text):
        length = LENGTHS.get(found["country"].upper())
        if length is None or found.start() < done:
            continue
        end = _account_ends(text, found.start(), length)
        if end is not None:
            parts += [text[done : found.start()], mask]
            done = end
    return "".join([*parts, text[done:]]) if parts else text


def _account_ends(text: str, at: int, length: int) -> int | None:
    """Return the end of the account number that begins at `at`, or None if there is none.

    The number may have gaps.
    """
    found = _account_of(length).match(text, at)
    return found.end() if found and is_account(re.sub("[ -]", "", found[0])) else None


@cache
def _account_of(length: int) -> re.Pattern[str]:
    return re.compile(
        rf"[A-Za-z]{{2}}\d\d(?:[ -]?[A-Za-z0-9]){{{length - 4}}}(?![A-Za-z0-9])", re.ASCII
    )
