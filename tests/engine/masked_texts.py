"""Texts with a secret in them, and texts that only look as if: what must be masked and what must stay."""

from __future__ import annotations

SECRET = "s3cr3t-Xy7"

# Each must be shown without SECRET.
MASKED = (
    # A name and a sign.
    f"password={SECRET}", f"password = {SECRET}", f"password: {SECRET}", f"password:{SECRET}", f"password := {SECRET}",
    f"password => {SECRET}", f"password -> {SECRET}", f"password=={SECRET}", f"assert password == '{SECRET}'",
    f"AssertionError: password != '{SECRET}'", f'password === "{SECRET}"', f"if token == {SECRET}: pass",
    f"password: str = '{SECRET}'", f'token: Optional[str] = "{SECRET}"', f"password＝{SECRET}", f"password： {SECRET}",
    f"PASSWORD\t=\t{SECRET}", f'password="a b {SECRET}"', f"password=a,{SECRET}", f"password=a;{SECRET};x=1",
    f"password=a){SECRET}", f"password=a<{SECRET}", f"password=a>{SECRET}", f"password=it's {SECRET}", f"password=“a {SECRET}”",
    f"Server=db;User Id=ann;Password={SECRET};Timeout=5", f"password is {SECRET}", f"with password {SECRET} of ann",
    f"the token was {SECRET}", f"password '{SECRET}' is wrong", f"password(s): {SECRET}",
    # Behind a line break.
    f"password:\n  {SECRET}", f"password=\n{SECRET}", f"password: |\n  {SECRET}\nuser: ann", f"password: >-\n  {SECRET}",
    f"passwords:\n  - {SECRET}", f"password=\\\n  {SECRET}", f"--password\n{SECRET}", f"password:\r\n\t{SECRET}",
    f'{{"log": "password:\\n{SECRET}"}}',
    # Names.
    *(f"{name}={SECRET}" for name in (
        "pass", "passcode", "pass_code", "passphrase", "otp", "totp", "pin", "cvv", "CVV2", "cvc", "auth", "signature", "sig",
        "iban", "db_pass", "DB_PASS", "userPass", "PGPASSWORD", "X-Amz-Signature", "http_auth", "jwt", "JSESSIONID",
        "PHPSESSID", "csrf_token", "client_secret", "clientSecret", "refresh_token", "ACCESS_KEY", "aws_secret_access_key",
        "AccountKey", "encryption_key", "mfa_code", "securityCode", "passwort", "contraseña", "motdepasse", "old_password2",
    )),
    f"API key: {SECRET}", f"Access token: {SECRET}", f"Card number: {SECRET}", f"one time code: {SECRET}",
    f'"API key": "{SECRET}"', f"security code: {SECRET}", f"Secret key = {SECRET}",
    *(f"{name}: {SECRET}" for name in (
        "كلمة المرور", "كلمة السر", "الرمز السري", "الرقم السري", "رمز التحقق", "رمز المرور", "كلمه المرور", "وكلمة المرور",
        "كلمة_المرور", "كَلِمَة المُرور", "كلمة مرورك", "كلمة المرور الجديدة", "الآيبان", "رقم البطاقة", "باسورد", "رمز عبور",
        "رمز عبور شما", "رمز ورود", "رمز دوم", "رمز یکبار مصرف", "رمز پویا", "گذرواژه", "گذر واژه", "گذر‌واژه", "کلمه عبور",
        "کلمهٔ عبور", "پسورد", "پین کد", "توکن", "شماره کارت", "شماره شبا", "شبا", "کد تأیید", "رمز",
    )),
    f"كلمة المرور هي {SECRET}", f"{{'كلمة المرور': '{SECRET}'}}", f"كلمة المرور\u200f: {SECRET}", f"رمز عبور={SECRET}، کاربر=ann",
    f'{{"\\u0643\\u0644\\u0645\\u0629 \\u0627\\u0644\\u0645\\u0631\\u0648\\u0631": "{SECRET}"}}',
    # URLs.
    f"postgresql://shop:{SECRET}@db/shop", f"postgresql://shop:p@{SECRET}@db/shop", f"postgresql://shop:p/{SECRET}@db/shop",
    f"postgresql://shop:{SECRET}/x@db:5432/shop", f"postgresql://shop:p'{SECRET}@db/shop", f'amqp://u:p"{SECRET}@mq:5672//',
    f"'postgresql://shop:p\"{SECRET}@db/shop'", f"redis://:{SECRET}@cache:6379/0", f"redis://:p#{SECRET}@cache", f"x://u:p?{SECRET}@h/",
    f"mongodb://u:{SECRET}@a:27017,b:27017/x", f"smtp://ann@example.com:{SECRET}@mail", f"https://{SECRET}@github.com/x/y.git",
    f"git+https://{SECRET}@github.com/x", f"https://{SECRET}:x-oauth-basic@github.com", f"https://{SECRET}:@api.example.com/v1",
    f"https://x-access-token:{SECRET}@github.com", f"dsn=https://{SECRET}@o1.ingest.example.com/1", f"https://e.com/?api_key={SECRET}&x=1",
    f"https://e.com/cb#access_token={SECRET}&state=1", f"GET /a?x=1&sig={SECRET}", f"redis://u:{SECRET}@h1,redis://u:{SECRET}@h2",
    f"shop:{SECRET}@tcp(db:3306)/shop", f"postgresql://u:{SECRET}@[::1]:5432/x", f"jdbc:postgresql://h/db?user=x&password={SECRET}",
    # Command lines, and lists of an argument and its value.
    f"--password {SECRET}", f"--password={SECRET}", f"--password '{SECRET}'", f"run --api-key {SECRET} --host x", f"-password {SECRET}",
    f"/password:{SECRET}", f"['run', '--password', '{SECRET}']", f'["--password", "{SECRET}", "--host", "h"]',
    f'["--password","{SECRET}"]', f"('password', '{SECRET}')", f"[['password', '{SECRET}'], ['a', 'b']]", f"('password', b'{SECRET}')",
    f'args=(\\"--token\\", \\"{SECRET}\\")', f"curl -u ann:{SECRET} https://e.com", f"curl --user 'ann:{SECRET}' x",
    f"sshpass -p {SECRET} ssh h", f"mysql -u root -p{SECRET} shop", f"redis-cli -h x -a {SECRET}", f"PGPASSWORD={SECRET} psql",
    f"export TOKEN={SECRET}", f"{{'name': 'password', 'value': '{SECRET}'}}", f'[{{"key":"api_key","value":"{SECRET}"}}]',
    # XML and HTML.
    f"<password>{SECRET}</password>", f'<wsse:Password Type="#Text">a {SECRET}</wsse:Password>', f"<a password='{SECRET}'/>",
    f"<credentials><user>ann</user><key>{SECRET}</key></credentials>", f'<add key="Password" value="{SECRET}"/>',
    f"<param name='token'>{SECRET}</param>", f"<password><![CDATA[{SECRET}]]></password>", f"<PIN>\n  {SECRET}\n</PIN>",
    f"&lt;password&gt;{SECRET}&lt;/password&gt;", f"<password>{SECRET}", f'<input name="otp" type="text" value="{SECRET}">',
    f"<كلمة_المرور>{SECRET}</كلمة_المرور>",
    # SQL, and what databases say.
    f"ALTER USER shop PASSWORD '{SECRET}'", f"CREATE ROLE x LOGIN ENCRYPTED PASSWORD '{SECRET}'", f"alter role x password E'{SECRET}'",
    f"CREATE USER x IDENTIFIED BY '{SECRET}'", f"CREATE USER x IDENTIFIED BY {SECRET};", f"IDENTIFIED WITH caching_sha2_password BY '{SECRET}'",
    f"IDENTIFIED BY PASSWORD '{SECRET}'", f'identified\nby "{SECRET}"', f"SET PASSWORD FOR 'u'@'h' = PASSWORD('{SECRET}')",
    f"SET PASSWORD = '{SECRET}'", f"UPDATE users SET password = '{SECRET}' WHERE id = 1", f"WHERE token LIKE '{SECRET}%'",
    f"WHERE password IN ('{SECRET}')", f"password <> '{SECRET}'", f"CREATE SECRET (TYPE S3, SECRET '{SECRET}')", f"PASSWORD $${SECRET}$$",
    f"INSERT INTO users (email, password) VALUES ('a@b', '{SECRET}')", f"INSERT INTO t (pin, x) VALUES (1, 2), ('{SECRET}', 3)",
    f"[SQL: INSERT INTO users (email, password) VALUES (%s, %s)]\n[parameters: ('a@b', '{SECRET}')]",
    f"DETAIL:  Key (email, token)=(a@b, {SECRET}) already exists.",
    # Headers.
    f"Authorization: Bearer {SECRET}", f"authorization: basic {SECRET}", f"Authorization: Token {SECRET}", f"Proxy-Authorization: Basic {SECRET}",
    f"Authorization: AWS4-HMAC-SHA256 Credential=x, Signature={SECRET}", f"Cookie: a=b; session={SECRET}", f"Set-Cookie: sid={SECRET}; Path=/",
    f"Cookie: a=b;\n c={SECRET}", f"X-Api-Key: {SECRET}", f"X-Auth-Token: {SECRET}", f"curl -H 'Authorization: Bearer {SECRET}' https://e.com",
    f"('Cookie', 'a={SECRET}')", f"{{b'authorization': b'Bearer {SECRET}'}}", f"Authorization=Bearer {SECRET}", f"auth=Basic {SECRET}",
    f"X-Hub-Signature-256: sha256={SECRET}", f"sent Bearer {SECRET}",
    # In another writing.
    f"/admin/job?error=password%3D{SECRET}", f"q=password%3d{SECRET}%26x%3D1", f"%7B%22password%22%3A%22{SECRET}%22%7D", f"password%253D{SECRET}",
    f"next=%2Flogin%3Ftoken%3D{SECRET}", f"%D9%83%D9%84%D9%85%D8%A9%20%D8%A7%D9%84%D9%85%D8%B1%D9%88%D8%B1={SECRET}", f"password%3A%20{SECRET}",
    f"password&#61;{SECRET}", f"{{&quot;password&quot;: &quot;{SECRET}&quot;}}", f"password\\u003d{SECRET}", f"Authorization%3A%20Bearer%20{SECRET}",
    f'{{"a": "{{\\"password\\": \\"{SECRET}\\"}}"}}', f"password=a%20{SECRET}",
)  # fmt: skip

_BODY = "MIIEowIBAAKCAQEA7bq0" * 3
# Each must be masked wherever it stands: the whole of it, or the second where only a part is secret.
SHAPES = (
    f"-----BEGIN RSA PRIVATE KEY-----\n{_BODY}\n{_BODY}\n-----END RSA PRIVATE KEY-----",
    f"-----BEGIN PRIVATE KEY-----\\n{_BODY}\\n-----END PRIVATE KEY-----",
    f"-----BEGIN OPENSSH PRIVATE KEY-----\n{_BODY}",
    f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\n{_BODY}\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "AKIAIOSFODNN7EXAMPLE", "ASIAY34FZKBOKMUTVV7A", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "github_pat_11ABCDEFG0abcdefghij_KLMNOPQRSTUVWXYZ",
    "gho_16C7e42F292c6912E7710c838347Ae178B4a", "glpat-ABCdefGHIjklMNOpqrST", "xoxb-123456789012-abcdefABCDEF", "xoxp-1234-5678-abcdef012345",
    "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "rk_test_4eC39HqLyjWDarjtT1zdp7dc", "whsec_5f2c8a91b0d34e7f", "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "ya29.a0AfH6SMBx0123456789abcdef", "GOCSPX-abcdefghijklmnopqrst1234", "SG.abcdefghijklmnop1234.ABCDEFGHIJKLMNOP1234567890", "hvs.CAESIJ0123456789abcdefghij",
    "npm_0123456789abcdefghijklmnopqrstuvwxyz", "sk-ant-api03-abcdefghijklmnop1234", "dop_v1_" + "0a" * 32, "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawx",
    "4111 1111 1111 1111", "4111111111111111", "4111-1111-1111-1111", "378282246310005", "3782 822463 10005", "5555555555554444", "6011111111111117",
    "30569309025904", "6037991234567893", "٤١١١١١١١١١١١١١١١", "DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "GB29 NWBK 6016 1331 9268 19",
    "IR062960000000100324200001", "SA03 8000 0000 6080 1016 7519", "gb29nwbk60161331926819", "EG380019000500000000263180002",
)  # fmt: skip

HOOKS = (
    "https://hooks.slack.com/services/T0/B0/s3cr3tXy7",
    "https://discord.com/api/webhooks/1/s3cr3tXy7",
    "url: /services/T000/B000/s3cr3tXy7",
)

# Each must stay as it is.
OPEN = (
    "author=ann", "passenger=ann", "authority=city", "compass=north", "pass the salt", "bypass=yes", "surpass: no", "passage=7", "passive=on", "authored_by=ann",
    "auth_method=oauth", "cardinal=7", "discard=3", "pinned=1", "pinterest: yes", "spinning=2", "opinion: good", "tokenizer=bpe", "tokenize: no", "secretary=ann",
    "key=value", "primary_key=7", "dedupe_key=abc", "monkey=1", "keyboard=us", "sort_key: name", "foreign key: users.id", "sigma=3", "signal=9", "design=x",
    "pinpoint=1", "shipping=dhl", "postcard_size=3", "cookieless=1", "first_pass=1", "passes=3", "passed=7", "max_tokens=100", "token_count=12", "tokens_used: 512",
    "token_type=bearer", "password_policy=strict", "password_changed_at=2026-01-01", "TokenError: the signature is wrong", "InvalidSignature: the request is old",
    "CardDeclined: Order 1", "BadToken: at line 3", "job failed: TokenExpired: since noon", "KeyError: 'password'", "if token == expected: pass",
    "if password != other: raise", "fields: ['user', 'password', 'email']", "required = ('name', 'password', 'age')", "use --token to log in", "--password is required",
    "option --no-password given", "--password-stdin --host x", "unexpected token '<' at 0", "Basic authentication failed", "Bearer authentication", "digest mismatch",
    'WWW-Authenticate: Bearer realm="api"', "basic understanding of things", "the token has expired", "12:30:01 the token has expired", "password=None secret: true", "password=",
    "password: \nuser: ann", "PASSWORD=\nUSER=ann", "see https://example.com/a@b", "https://example.com:8000/a@b", "https://medium.com/@ann/x", "ssh://git@github.com/x.git",
    "mailto:ann@example.com", "https://e.com/?next=a@b", "git@github.com:x/y.git", "postgresql://shop@db/shop", "image name:tag@sha256:0123", "ratio 3:4@5",
    "order 4111111111111112", "order 1234567890123456", "id 1700000000000 ms", "1700000000000000000", "7d2c1f0a-4111-4111-8111-111111111111", "0.4111111111111111",
    "DE00370400440532013000", "DE89", "GB2026-11-30", "AKIA is a prefix", "eyJ is how they begin", "sk_live_ keys", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", "<passenger>ann</passenger>", "<author>ann</author>", "usage: login <token> <user>", "SELECT password FROM users",
    "SELECT id, password, email FROM users WHERE id = 7", "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "commit 9f86d081884c7d659a2feaa0c55ad015",
    "100% of all", "a %20 b", "R&amp;D", "caf\\u00e9", "رمز الخطأ: 500", "كلمة: x", "المرور: زحام", "کلمه: x", "عبور: 3", "مسافر=ann", "رمز محصول: 12", "author: ann, pages: 3",
    "def f(password): return 1", "pip install compass==1.2.0", "password", "passwords are hashed", "carded: x", "otpauth", "ibanez=guitar", "shopping: 4711",
)  # fmt: skip

# What costs a careless pattern the square of its length.
HOSTILE = (
    "a", "password=", "'", "token: [", "\\", "token=\\'", "a:", "bearer ", "://", "https://a:b@", "<password>", "--password ",
    "('password',", '["token",', "-eyJ", "-----BEGIN PRIVATE KEY-----", "DE00 ", "4111 ", "%2525", "API key: ", "[parameters: (",
    "insert into a (password) values (", "كلمة المرور: ", "password=“", "mysql -", "Cookie: a;\n ",
)  # fmt: skip
