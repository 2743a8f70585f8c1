"""A real browser in front of the gateway: forms of web pages, and what a page's script may."""

import html
from urllib.parse import parse_qs, urlsplit

import pytest
from browser import Browser, Site
from iamd import allow, create_user, eventually
from store import arn, gateway, make_bucket

MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def site():
    with Site() as site:
        yield site


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    with gateway(tmp_path_factory.mktemp("browser")) as gate:
        yield gate


def form_of(post, button="", **changed):
    """A page with the form of a presigned post."""
    fields = {**post["fields"], **changed}
    inputs = [
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in fields.items()
    ]
    return (
        f'<!doctype html><form action="{post["url"]}" method="post" enctype="multipart/form-data">'
        f'{"".join(inputs)}<input type="file" name="file">'
        f'<input type="submit" value="Upload" {button}></form>'
    )


def submit(browser, site, page, path):
    site.page = page
    browser.open(site.url + "/")
    browser.choose('input[type="file"]', path)
    browser.click('input[type="submit"]')
    # The answer is a page, or leads to one.
    eventually(lambda: browser.url != site.url + "/", 60)


def test_a_form_of_a_page_uploads_a_file_and_leads_on(gate, browser, site, tmp_path):
    bucket, photo = make_bucket(gate), tmp_path / 'cät "1".jpg'
    content = bytes(range(256)) * 300
    photo.write_bytes(content)
    _, keys = create_user(gate.server, statements=[allow("s3:PutObject", arn(bucket, "in/*"))])
    done = f"{site.url}/done"
    post = gate.s3(keys).generate_presigned_post(
        bucket, "in/${filename}",
        Fields={"success_action_redirect": done, "Content-Type": "image/jpeg"},
        Conditions=[
            {"success_action_redirect": done},
            ["starts-with", "$Content-Type", "image/"],
            ["content-length-range", 1, len(content)],
        ],
    )
    # A button with a name is a field behind the file.
    submit(browser, site, form_of(post, 'name="submit"'), photo)
    address = urlsplit(browser.url)
    assert (f"{address.scheme}://{address.netloc}{address.path}", browser.text) == (done, "thank you")
    # A browser escapes the quotes of a name, and the name is what it sends.
    key = "in/cät %221%22.jpg"
    assert parse_qs(address.query)["key"] == [key]
    stored = gate.store.s3.get_object(Bucket=bucket, Key=key)
    assert stored["Body"].read() == content
    assert stored["ContentType"] == "image/jpeg"
    # The nearest that is not allowed: another folder, another type, a byte more, an altered policy.
    with gate.unseen():
        submit(browser, site, form_of(post, key="out/a"), photo)
        assert "Policy Condition failed" in browser.text
        submit(browser, site, form_of(post, **{"Content-Type": "text/html"}), photo)
        assert "Policy Condition failed" in browser.text
        photo.write_bytes(content + b"x")
        submit(browser, site, form_of(post), photo)
        assert "EntityTooLarge" in browser.text
        photo.write_bytes(b"x")
        policy = post["fields"]["policy"]
        submit(browser, site, form_of(post, policy=policy[:-4] + "AAAA"), photo)
        assert "SignatureDoesNotMatch" in browser.text
    other = gate.s3(keys).generate_presigned_post(bucket, "out/a")
    with gate.unseen():
        submit(browser, site, form_of(other), photo)
        assert "is not authorized to perform: s3:PutObject" in browser.text


def test_a_long_file_of_a_browser_goes_on_as_it_comes(gate, browser, site, tmp_path):
    bucket, film = make_bucket(gate), tmp_path / "film"
    content = bytes(range(256)) * (20 * MEBIBYTE // 256)
    film.write_bytes(content)
    post = gate.s3().generate_presigned_post(
        bucket, "film", Fields={"success_action_status": "201"},
        Conditions=[{"success_action_status": "201"}, ["content-length-range", 1, len(content)]],
    )
    submit(browser, site, form_of(post), film)
    assert f"{bucket}film" in browser.text
    assert gate.store.s3.get_object(Bucket=bucket, Key="film")["Body"].read() == content
    with film.open("ab") as more:
        more.write(b"x")
    with gate.unseen():
        submit(browser, site, form_of(post), film)
        assert "EntityTooLarge" in browser.text


# A script of another origin.

UPLOAD = """
const form = new FormData();
for (const [name, value] of Object.entries(arguments[1])) form.append(name, value);
form.append("file", new Blob(["from a script"]), "a");
return fetch(arguments[0], {method: "POST", body: form, mode: arguments[2]})
  .then(answer => answer.type, problem => problem.name);
"""
PUT = """
return fetch(arguments[0], {method: "PUT", body: "from a script", headers: arguments[1]})
  .then(answer => answer.status, problem => problem.name);
"""
GET = """
return fetch(arguments[0]).then(
  answer => answer.text().then(text => [answer.status, text, answer.headers.get("etag")]),
  problem => problem.name);
"""


def test_a_script_uploads_by_a_form_and_by_nothing_else_without_rules(gate, browser, site):
    bucket, s3 = make_bucket(gate), gate.s3()
    site.page = "<!doctype html><p>a page"
    browser.open(site.url + "/")
    post = s3.generate_presigned_post(bucket, "script")
    # A form needs no preflight request; only its answer stays closed to the script.
    assert browser.run(UPLOAD, post["url"], post["fields"], "no-cors") == "opaque"
    stored = gate.store.s3.get_object(Bucket=bucket, Key="script")
    assert stored["Body"].read() == b"from a script"
    assert browser.run(UPLOAD, post["url"], post["fields"], "cors") == "TypeError"
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "put"})
    with gate.unseen():
        assert browser.run(PUT, url, {}) == "TypeError"
    assert "put" not in gate.store.keys(bucket)


def test_a_script_may_what_rules_let_its_origin_do_and_policies_allow(gate, browser, site):
    bucket, s3 = make_bucket(gate), gate.s3()
    rule = {
        "AllowedOrigins": [site.url],
        "AllowedMethods": ["GET", "PUT", "POST"],
        "AllowedHeaders": ["content-type", "x-amz-meta-*"],
        "ExposeHeaders": ["ETag"],
    }
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    site.page = "<!doctype html><p>a page"
    browser.open(site.url + "/")
    _, keys = create_user(gate.server, statements=[
        allow(["s3:GetObject", "s3:PutObject"], arn(bucket, "in/*")), allow("s3:ListBucket"),
    ])

    def link(operation, key, **more):
        named = {"Bucket": bucket, "Key": key, **more}
        return gate.s3(keys).generate_presigned_url(operation, Params=named)

    put = link("put_object", "in/a", ContentType="text/plain", Metadata={"by": "script"})
    headers = {"Content-Type": "text/plain", "x-amz-meta-by": "script"}
    assert browser.run(PUT, put, headers) == 200
    stored = gate.store.s3.get_object(Bucket=bucket, Key="in/a")
    assert (stored["Body"].read(), stored["Metadata"]) == (b"from a script", {"by": "script"})
    status, text, etag = browser.run(GET, link("get_object", "in/a"))
    assert (status, text, etag) == (200, "from a script", stored["ETag"])
    post = gate.s3(keys).generate_presigned_post(bucket, "in/form")
    assert browser.run(UPLOAD, post["url"], post["fields"], "cors") == "cors"
    # A script can read why it was denied.
    with gate.unseen():
        status, text, _ = browser.run(GET, link("get_object", "out/a"))
        assert (status, "is not authorized to perform: s3:GetObject" in text) == (403, True)
        assert browser.run(PUT, link("put_object", "out/a"), {"Content-Type": "text/plain"}) == 403
        # The nearest that no rule lets in: a header more.
        assert browser.run(PUT, put, {**headers, "x-other": "1"}) == "TypeError"
    # The page has another origin by another name of the same machine.
    browser.open(site.url.replace("127.0.0.1", "localhost") + "/")
    assert browser.run(GET, link("get_object", "in/a")) == "TypeError"
    with gate.unseen():
        assert browser.run(PUT, put, headers) == "TypeError"
    s3.put_bucket_cors(
        Bucket=bucket, CORSConfiguration={"CORSRules": [{**rule, "AllowedOrigins": ["*"]}]}
    )
    assert browser.run(GET, link("get_object", "in/a"))[:2] == [200, "from a script"]
