//! Signatures that AWS published: the example of the IAM User Guide, "Create a signed request", the
//! Signature Version 4 test suite, and the examples of the S3 API Reference.

use super::*;

/// The service of the test suite.
const SUITE: Rules = Rules {
    service: "service",
    path: PathRule::Normalize,
    payload: PayloadRule::Hash,
    presigned_seconds_min: 0,
};

#[test]
fn the_example_of_the_user_guide_is_accepted() {
    let sent = Sent::new("GET", "/")
        .query("Action=ListUsers&Version=2010-05-08")
        .header("host", "iam.amazonaws.com")
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        .header("x-amz-date", NOW_TEXT)
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        );
    assert_eq!(sent.check(&Rules::of(Service::Iam), NOW), Ok(()));
}

fn suite(sent: Sent, signed_headers: &str, signature: &str) {
    let sent = sent.header("host", "example.amazonaws.com").header("x-amz-date", NOW_TEXT).header(
        "authorization",
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                 SignedHeaders={signed_headers}, Signature={signature}"
        ),
    );
    assert_eq!(sent.check(&SUITE, NOW), Ok(()), "{sent:?}");
    let mut other = sent;
    other.method.push('X');
    assert!(other.check(&SUITE, NOW).is_err());
}

#[test]
fn paths_of_the_test_suite_are_accepted() {
    let vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    for (path, signature) in [
        ("/", vanilla),
        ("", vanilla),
        ("/example/..", vanilla),
        ("/example1/example2/../..", vanilla),
        ("//", vanilla),
        ("/./", vanilla),
        ("//example//", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
        ("/example space/", "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"),
        ("/\u{1234}", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        (
            "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
        ),
    ] {
        suite(Sent::new("GET", path), "host;x-amz-date", signature);
    }
}

#[test]
fn queries_of_the_test_suite_are_accepted() {
    for (query, signature) in [
        (
            "Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        ("Param1=value1", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"),
        ("\u{1234}=bar", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
        ("%E1%88%B4=bar", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
    ] {
        let sent = Sent::new("GET", "/").query(query);
        suite(sent, "host;x-amz-date", signature);
    }
}

#[test]
fn headers_of_the_test_suite_are_accepted() {
    let get = || Sent::new("GET", "/");
    suite(
        get()
            .header("my-header1", "value2")
            .header("my-header1", "value2")
            .header("my-header1", "value1"),
        "host;my-header1;x-amz-date",
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    );
    suite(
        get()
            .header("my-header1", "value4")
            .header("my-header1", "value1")
            .header("my-header1", "value3")
            .header("my-header1", "value2"),
        "host;my-header1;x-amz-date",
        "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
    );
    suite(
        get().header("my-header1", " value1").header("my-header2", " \"a   b   c\""),
        "host;my-header1;my-header2;x-amz-date",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    );
}

#[test]
fn posts_of_the_test_suite_are_accepted() {
    let post = || Sent::new("POST", "/");
    suite(
        post(),
        "host;x-amz-date",
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    );
    suite(
        Sent {
            body: b"Param1=value1".to_vec(),
            ..post().header("content-type", "application/x-www-form-urlencoded")
        },
        "content-type;host;x-amz-date",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    );
    suite(
        post().header("my-header1", "VALUE1"),
        "host;my-header1;x-amz-date",
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    );
}

/// The path of S3 is kept as it is.
#[test]
fn the_examples_of_s3_are_accepted() {
    let rules = Rules {
        service: "s3",
        path: PathRule::Keep,
        payload: PayloadRule::Hash,
        presigned_seconds_min: 0,
    };
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let get = |query: Option<&str>| Sent {
        query: query.map(str::to_owned),
        ..Sent::new("GET", "/")
            .header("host", "examplebucket.s3.amazonaws.com")
            .header("x-amz-content-sha256", empty)
            .header("x-amz-date", "20130524T000000Z")
    };
    let object = Sent { path: "/test.txt".to_owned(), ..get(None).header("range", "bytes=0-9") };
    for (sent, headers, signature) in [
        (
            object,
            "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            get(Some("lifecycle")),
            "host;x-amz-content-sha256;x-amz-date",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            get(Some("max-keys=2&prefix=J")),
            "host;x-amz-content-sha256;x-amz-date",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ] {
        let sent = sent.header(
            "authorization",
            format!(
                "AWS4-HMAC-SHA256 \
                 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
                 SignedHeaders={headers},Signature={signature}"
            ),
        );
        // 2013-05-24T00:00:00Z
        assert_eq!(check_s3(&sent, &rules, 1_369_353_600), Ok(()), "{sent:?}");
    }
}

/// The secret of these examples differs from that of the others by one slash.
fn check_s3(sent: &Sent, rules: &Rules, now: i64) -> Result<(), Rejection> {
    sent.with(|request| {
        let claim = Claim::read(request)?;
        let secret = Secret::from("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned());
        let key = SigningKey::derive(&secret, claim.scope_date(), claim.region(), "s3");
        claim.verify(request, &key, rules, Timestamp::from_seconds(now))
    })
}
