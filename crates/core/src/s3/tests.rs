//! What requests need, and the requests next to them that need more.

use iamd_policy::service_data;
use iamd_wire::route::{self, Place, RestRequest};

use super::*;

/// `action resource` of everything that a request needs.
fn needs(method: &str, target: &str, headers: &[(&str, &str)]) -> Vec<String> {
    needs_with(method, target, headers, &BodyFacts::default()).unwrap()
}

fn needs_with(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &BodyFacts,
) -> Result<Vec<String>, S3Error> {
    let targets = targets(method, target, headers, body)?;
    let line = |needed: &S3Target| format!("{} {}", needed.target.action, needed.target.resource);
    Ok(targets.iter().map(line).collect())
}

fn targets(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &BodyFacts,
) -> Result<Vec<S3Target>, S3Error> {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let headers: Vec<Header<'_>> =
        headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    let request =
        route::s3(&RestRequest { method, path, query, headers: &headers, host_bucket: None })?;
    let signature =
        Some(SignatureFacts { form: "REST-QUERY-STRING", age_milliseconds: Some(1_500) });
    S3Call { request: &request, headers: &headers, body, signature }.targets()
}

fn key(target: &S3Target, name: &str) -> Option<String> {
    let found = target.target.context.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.iter().collect::<Vec<_>>().join(","))
}

#[test]
fn every_action_is_one_of_the_service() {
    for action in action::all() {
        assert!(service_data::action(action).is_some(), "{action}");
    }
    for action in [
        "s3:BypassGovernanceRetention",
        "s3:ListAllMyBuckets",
        "s3:PutObjectLegalHold",
        "s3:PutObjectRetention",
    ] {
        assert!(service_data::action(action).is_some(), "{action}");
    }
}

/// Every operation that is routed has an action, or is known to have none.
#[test]
fn every_routed_operation_needs_something() {
    let headers: [Header<'_>; 1] = [("x-amz-copy-source", b"source-bucket/key")];
    let body = BodyFacts {
        objects: vec![NamedObject { key: "a".to_owned(), version_id: None }],
        ..BodyFacts::default()
    };
    for (operation, place) in route::operations_of_s3() {
        let request = S3Request {
            operation,
            bucket: (place != Place::Service).then(|| "bucket".to_owned()),
            key: (place == Place::Object).then(|| "key".to_owned()),
            parameters: Default::default(),
        };
        let call = S3Call { request: &request, headers: &headers, body: &body, signature: None };
        match call.targets() {
            Ok(found) => assert!(!found.is_empty(), "{operation}"),
            // What reaches beyond the bucket is refused, and nothing else is.
            Err(error) => assert_eq!(
                (error.code, action::reaches_beyond(operation)),
                ("NotImplemented", true),
                "{operation}"
            ),
        }
    }
}

#[test]
fn objects_need_the_action_of_their_operation() {
    let object = "arn:aws:s3:::bucket/a/b";
    for (method, target, actions) in [
        ("GET", "/bucket/a/b", vec!["s3:GetObject"]),
        ("HEAD", "/bucket/a/b", vec!["s3:GetObject"]),
        ("GET", "/bucket/a/b?versionId=1", vec!["s3:GetObjectVersion"]),
        ("PUT", "/bucket/a/b", vec!["s3:PutObject"]),
        ("PUT", "/bucket/a/b?uploadId=1&partNumber=1", vec!["s3:PutObject"]),
        ("POST", "/bucket/a/b?uploads", vec!["s3:PutObject"]),
        ("DELETE", "/bucket/a/b", vec!["s3:DeleteObject"]),
        ("DELETE", "/bucket/a/b?versionId=1", vec!["s3:DeleteObjectVersion"]),
        ("GET", "/bucket/a/b?tagging&versionId=1", vec!["s3:GetObjectVersionTagging"]),
        ("GET", "/bucket/a/b?uploadId=1", vec!["s3:ListMultipartUploadParts"]),
    ] {
        let expected: Vec<String> =
            actions.iter().map(|action| format!("{action} {object}")).collect();
        assert_eq!(needs(method, target, &[]), expected, "{method} {target}");
    }
}

#[test]
fn buckets_need_the_action_of_their_operation() {
    for (method, target, expected) in [
        ("GET", "/", "s3:ListAllMyBuckets *"),
        ("GET", "/bucket", "s3:ListBucket arn:aws:s3:::bucket"),
        ("GET", "/bucket?list-type=2", "s3:ListBucket arn:aws:s3:::bucket"),
        ("HEAD", "/bucket", "s3:ListBucket arn:aws:s3:::bucket"),
        ("GET", "/bucket?versions", "s3:ListBucketVersions arn:aws:s3:::bucket"),
        ("PUT", "/bucket?policy", "s3:PutBucketPolicy arn:aws:s3:::bucket"),
        ("DELETE", "/bucket?cors", "s3:PutBucketCORS arn:aws:s3:::bucket"),
        ("DELETE", "/bucket?lifecycle", "s3:PutLifecycleConfiguration arn:aws:s3:::bucket"),
        ("PUT", "/bucket", "s3:CreateBucket arn:aws:s3:::bucket"),
    ] {
        assert_eq!(needs(method, target, &[]), [expected], "{method} {target}");
    }
}

#[test]
fn headers_with_powers_need_their_own_actions() {
    let object = "arn:aws:s3:::bucket/key";
    for (header, value, action) in [
        ("x-amz-acl", "public-read", "s3:PutObjectAcl"),
        ("x-amz-grant-read", "id=1", "s3:PutObjectAcl"),
        ("x-amz-tagging", "a=b", "s3:PutObjectTagging"),
        ("x-amz-object-lock-mode", "GOVERNANCE", "s3:PutObjectRetention"),
        ("x-amz-object-lock-legal-hold", "ON", "s3:PutObjectLegalHold"),
    ] {
        let expected = [format!("s3:PutObject {object}"), format!("{action} {object}")];
        assert_eq!(needs("PUT", "/bucket/key", &[(header, value)]), expected, "{header}");
        assert_eq!(needs("POST", "/bucket/key?uploads", &[(header, value)]), expected, "{header}");
        assert_eq!(needs("GET", "/bucket/key", &[(header, value)]).len(), 1, "{header}");
    }
    let bypass = [("x-amz-bypass-governance-retention", "true")];
    assert_eq!(
        needs("DELETE", "/bucket/key?versionId=1", &bypass),
        [
            format!("s3:DeleteObjectVersion {object}"),
            format!("s3:BypassGovernanceRetention {object}")
        ]
    );
    let lock = [("x-amz-bucket-object-lock-enabled", "true"), ("x-amz-acl", "private")];
    assert_eq!(needs("PUT", "/bucket", &lock).len(), 4);
}

/// A form is a PutObject whose signature has another form.
#[test]
fn a_form_needs_what_put_object_does() {
    let request = S3Request {
        operation: "PostObject",
        bucket: Some("bucket".to_owned()),
        key: Some("key".to_owned()),
        parameters: Default::default(),
    };
    let headers: [Header<'_>; 2] = [("x-amz-acl", b"private"), ("x-amz-tagging", b"team=blue")];
    let signature = Some(SignatureFacts { form: "POST", age_milliseconds: Some(2_000) });
    let body = BodyFacts::default();
    let call = S3Call { request: &request, headers: &headers, body: &body, signature };
    let found = call.targets().unwrap();
    let actions: Vec<&str> = found.iter().map(|needed| needed.target.action).collect();
    assert_eq!(actions, ["s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging"]);
    for needed in &found {
        assert_eq!(needed.target.resource, "arn:aws:s3:::bucket/key");
        for (name, value) in [
            ("s3:authType", "POST"),
            ("s3:signatureAge", "2000"),
            ("s3:signatureversion", "AWS4-HMAC-SHA256"),
            ("s3:ObjectCreationOperation", "true"),
            ("s3:RequestObjectTag/team", "blue"),
        ] {
            assert_eq!(key(needed, name).as_deref(), Some(value), "{name}");
        }
    }
    let plain = S3Call { headers: &[], ..call };
    assert_eq!(plain.targets().unwrap().len(), 1);
}

#[test]
fn an_operation_of_a_record_needs_what_the_request_did() {
    let none: &[&str] = &[];
    for (operation, has_version, actions) in [
        ("HeadObject", false, &["s3:GetObject"][..]),
        ("HeadObject", true, &["s3:GetObjectVersion"]),
        ("ListObjectsV2", false, &["s3:ListBucket"]),
        ("ListBuckets", false, &["s3:ListAllMyBuckets"]),
        ("DeleteObjects", false, &["s3:DeleteObject"]),
        ("DeleteObjects", true, &["s3:DeleteObjectVersion"]),
        ("UploadPart", true, &["s3:PutObject"]),
        ("PostObject", false, &["s3:PutObject"]),
        ("PutBucketPolicy", false, none),
        ("Nonsense", false, none),
    ] {
        assert_eq!(actions_of(operation, has_version).unwrap_or_default(), actions, "{operation}");
    }
    let object = "arn:aws:s3:::other/a b".to_owned();
    assert_eq!(copied("/other/a%20b"), Some(("s3:GetObject", object.clone())));
    let version = copied("other/a%20b?versionId=1");
    assert_eq!(version, Some(("s3:GetObjectVersion", object)));
    assert_eq!(copied("other"), None);
}

#[test]
fn a_copy_needs_its_source() {
    let copy = |source: &str, more: &[(&'static str, &'static str)]| {
        let mut headers = vec![("x-amz-copy-source", source)];
        headers.extend(more.iter().copied());
        needs_with("PUT", "/bucket/key", &headers, &BodyFacts::default())
    };
    let put = "s3:PutObject arn:aws:s3:::bucket/key".to_owned();
    for source in ["/other/a%20b", "other/a%20b"] {
        let read = "s3:GetObject arn:aws:s3:::other/a b".to_owned();
        assert_eq!(copy(source, &[]), Ok(vec![put.clone(), read]));
    }
    assert_eq!(
        copy("other/a?versionId=3", &[("x-amz-tagging-directive", "COPY")]),
        Ok(vec![
            put,
            "s3:GetObjectVersion arn:aws:s3:::other/a".to_owned(),
            "s3:GetObjectVersionTagging arn:aws:s3:::other/a".to_owned(),
        ])
    );
    for source in [
        "",
        "other",
        "other/",
        "other/../third/a",
        "other/a?acl",
        "other/a?versionId=1&versionId=2",
        "other/a?partNumber=1",
        "arn:aws:s3:eu-west-1:111122223333:accesspoint/ap/object/a",
    ] {
        assert!(copy(source, &[]).is_err(), "{source}");
    }
}

#[test]
fn a_batch_needs_each_of_its_objects() {
    let object = |key: &str, version: Option<&str>| NamedObject {
        key: key.to_owned(),
        version_id: version.map(str::to_owned),
    };
    let body = BodyFacts {
        objects: vec![object("a", None), object("b/c", Some("7"))],
        ..BodyFacts::default()
    };
    let found = targets("POST", "/bucket?delete", &[], &body).unwrap();
    let lines: Vec<String> =
        found.iter().map(|n| format!("{} {}", n.target.action, n.target.resource)).collect();
    assert_eq!(
        lines,
        ["s3:DeleteObject arn:aws:s3:::bucket/a", "s3:DeleteObjectVersion arn:aws:s3:::bucket/b/c"]
    );
    assert_eq!(key(&found[1], "s3:VersionId").as_deref(), Some("7"));
    assert_eq!(key(&found[0], "s3:VersionId"), None);
    let tricky = BodyFacts { objects: vec![object("b/../c", None)], ..BodyFacts::default() };
    assert!(needs_with("POST", "/bucket?delete", &[], &tricky).is_err());
    let empty = needs_with("POST", "/bucket?delete", &[], &BodyFacts::default());
    assert_eq!(empty.unwrap_err().code, "MalformedXML");
}

#[test]
fn what_a_request_says_is_condition_keys() {
    let found = targets(
        "GET",
        "/bucket?list-type=2&prefix=home/ana/&delimiter=/&max-keys=10",
        &[("x-amz-content-sha256", "UNSIGNED-PAYLOAD")],
        &BodyFacts::default(),
    )
    .unwrap();
    for (name, value) in [
        ("s3:prefix", "home/ana/"),
        ("s3:delimiter", "/"),
        ("s3:max-keys", "10"),
        ("s3:authType", "REST-QUERY-STRING"),
        ("s3:signatureAge", "1500"),
        ("s3:x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
    ] {
        assert_eq!(key(&found[0], name).as_deref(), Some(value), "{name}");
    }
    let tags = [("x-amz-tagging", "team=blue&cost%20centre=7"), ("x-amz-acl", "private")];
    let found = targets("PUT", "/bucket/key", &tags, &BodyFacts::default()).unwrap();
    for needed in &found {
        assert_eq!(key(needed, "s3:RequestObjectTag/team").as_deref(), Some("blue"));
        assert_eq!(key(needed, "s3:RequestObjectTagKeys").as_deref(), Some("team,cost centre"));
        assert_eq!(key(needed, "s3:x-amz-acl").as_deref(), Some("private"));
        assert_eq!(key(needed, "s3:prefix"), None);
    }
}

#[test]
fn a_header_that_stands_twice_is_refused() {
    let twice = [("x-amz-acl", "private"), ("x-amz-acl", "public-read")];
    assert!(needs_with("PUT", "/bucket/key", &twice, &BodyFacts::default()).is_err());
}
