//! Requests that are an operation, and their neighbours that are none.

use super::*;

fn routed(method: &str, target: &str, headers: &[&'static str]) -> Result<S3Request, String> {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let headers: Vec<(&str, &[u8])> = headers.iter().map(|name| (*name, b"x".as_slice())).collect();
    let request = RestRequest { method, path, query, headers: &headers, host_bucket: None };
    s3(&request).map_err(|error| error.code.to_owned())
}

fn operation(method: &str, target: &str) -> String {
    routed(method, target, &[]).map_or_else(|code| code, |routed| routed.operation.to_owned())
}

#[test]
fn requests_are_the_operations_that_the_model_says() {
    for (method, target, expected) in [
        ("GET", "/", "ListBuckets"),
        ("GET", "/bucket", "ListObjects"),
        ("GET", "/bucket/", "ListObjects"),
        ("GET", "/bucket?prefix=a%2F&delimiter=/", "ListObjects"),
        ("GET", "/bucket?list-type=2&prefix=a", "ListObjectsV2"),
        ("GET", "/bucket?versions", "ListObjectVersions"),
        ("GET", "/bucket?location", "GetBucketLocation"),
        ("GET", "/bucket?lifecycle", "GetBucketLifecycleConfiguration"),
        ("GET", "/bucket?analytics", "ListBucketAnalyticsConfigurations"),
        ("GET", "/bucket?analytics&id=a", "GetBucketAnalyticsConfiguration"),
        ("PUT", "/bucket", "CreateBucket"),
        ("PUT", "/bucket?policy", "PutBucketPolicy"),
        ("DELETE", "/bucket", "DeleteBucket"),
        ("HEAD", "/bucket", "HeadBucket"),
        ("POST", "/bucket?delete", "DeleteObjects"),
        ("GET", "/bucket/key", "GetObject"),
        ("GET", "/bucket/key?x-id=GetObject", "GetObject"),
        ("GET", "/bucket/key?versionId=1&response-content-type=a", "GetObject"),
        ("GET", "/bucket/key?partNumber=2", "GetObject"),
        ("GET", "/bucket/key?uploadId=1", "ListParts"),
        ("GET", "/bucket/key?tagging", "GetObjectTagging"),
        ("GET", "/bucket/key?tagging=", "GetObjectTagging"),
        ("PUT", "/bucket/key", "PutObject"),
        ("PUT", "/bucket/key?uploadId=1&partNumber=2", "UploadPart"),
        ("POST", "/bucket/key?uploads", "CreateMultipartUpload"),
        ("POST", "/bucket/key?uploadId=1", "CompleteMultipartUpload"),
        ("DELETE", "/bucket/key?uploadId=1", "AbortMultipartUpload"),
        ("DELETE", "/bucket/key", "DeleteObject"),
        ("POST", "/bucket/key?select&select-type=2", "SelectObjectContent"),
    ] {
        assert_eq!(operation(method, target), expected, "{method} {target}");
    }
    let copy = ["x-amz-copy-source"];
    assert_eq!(routed("PUT", "/bucket/key", &copy).unwrap().operation, "CopyObject");
    let part = "/bucket/key?uploadId=1&partNumber=2";
    assert_eq!(routed("PUT", part, &copy).unwrap().operation, "UploadPartCopy");
}

#[test]
fn what_could_be_another_operation_is_none() {
    for (method, target) in [
        ("GET", "/bucket?acl&policy"),
        ("GET", "/bucket?acl=yes"),
        ("GET", "/bucket?list-type=3"),
        ("GET", "/bucket?unheard-of"),
        ("GET", "/bucket/key?acl&tagging"),
        ("PUT", "/bucket/key?uploadId=1"),
        ("PUT", "/bucket/key?partNumber=1"),
        ("PUT", "/bucket/key?renameObject"),
        ("GET", "/bucket?session"),
        ("GET", "/bucket/key?prefix=a"),
        ("POST", "/bucket/key?select"),
        ("POST", "/bucket"),
    ] {
        assert_eq!(operation(method, target), "NotImplemented", "{method} {target}");
    }
    assert_eq!(operation("PATCH", "/bucket/key"), "MethodNotAllowed");
    assert_eq!(operation("POST", "/"), "MethodNotAllowed");
    let copy = ["x-amz-copy-source"];
    for (method, target) in [
        ("PUT", "/bucket/key?tagging"),
        ("PUT", "/bucket/key?acl"),
        ("GET", "/bucket/key"),
        ("PUT", "/bucket"),
    ] {
        assert_eq!(routed(method, target, &copy).unwrap_err(), "NotImplemented", "{target}");
    }
}

#[test]
fn keys_are_read_in_one_way_only() {
    let key = |target: &str| routed("GET", target, &[]).map(|routed| routed.key.unwrap());
    for (target, expected) in [
        ("/bucket/a/b", "a/b"),
        ("/bucket/a%2Fb", "a/b"),
        ("/bucket/a+b", "a+b"),
        ("/bucket/a%20b", "a b"),
        ("/bucket/%C3%A4", "ä"),
        ("/bucket/folder/", "folder/"),
        ("/bucket/a...b/.c", "a...b/.c"),
    ] {
        assert_eq!(key(target).unwrap(), expected, "{target}");
    }
    for target in [
        "/bucket/a//b",
        "/bucket//a",
        "/bucket/a%2F%2Fb",
        "/bucket/../other/key",
        "/bucket/a/%2e%2E/b",
        "/bucket/a/./b",
        "/bucket/..",
        "/bucket/a%00",
        "/bucket/%FF",
        "/bucket/%C0%AF",
        "/bucket/a%2",
        "/bucket/a%zz",
        "//bucket/key",
        "/%2e%2e/key",
        "bucket/key",
        "",
    ] {
        let code = key(target).unwrap_err();
        assert!(matches!(code.as_str(), "InvalidURI" | "InvalidBucketName"), "{target}: {code}");
    }
    assert!(key(&format!("/bucket/{}", "a".repeat(1_024))).is_ok());
    assert_eq!(key(&format!("/bucket/{}", "a".repeat(1_025))).unwrap_err(), "KeyTooLongError");
}

#[test]
fn buckets_have_names() {
    for name in ["abc", "a.b-c", "1bucket", &"a".repeat(63)] {
        assert!(routed("GET", &format!("/{name}"), &[]).is_ok(), "{name}");
    }
    for name in ["ab", "Abc", "a_b", "-abc", "abc-", "a..b", "192.168.0.1", &"a".repeat(64)] {
        assert_eq!(operation("GET", &format!("/{name}")), "InvalidBucketName", "{name}");
    }
}

#[test]
fn queries_are_read_in_one_way_only() {
    for query in ["prefix=a&prefix=b", "prefix=a&Prefix=b", "prefix=a+b", "prefix=%2", "%FF=1"] {
        assert_eq!(operation("GET", &format!("/bucket?{query}")), "InvalidURI", "{query}");
    }
    let many: Vec<String> = (0..65).map(|number| format!("a{number}")).collect();
    assert_eq!(operation("GET", &format!("/bucket?{}", many.join("&"))), "InvalidURI");
    let routed = routed("GET", "/bucket?prefix=a%20b&X-Amz-Signature=0&list-type=2", &[]).unwrap();
    assert_eq!(routed.parameters.get("prefix"), Some("a b"));
    assert_eq!(routed.parameters.get("X-Amz-Signature"), None);
}

#[test]
fn a_host_may_name_the_bucket() {
    let request = RestRequest {
        method: "GET",
        path: "/a/b",
        query: None,
        headers: &[],
        host_bucket: Some("bucket"),
    };
    let found = s3(&request).unwrap();
    assert_eq!((found.bucket.as_deref(), found.key.as_deref()), (Some("bucket"), Some("a/b")));
    let root = s3(&RestRequest { path: "/", ..request }).unwrap();
    assert_eq!((root.operation, root.key), ("ListObjects", None));
    assert!(s3(&RestRequest { host_bucket: Some("No"), ..request }).is_err());
}

/// No two operations can be told apart by nothing but the order of the table.
#[test]
fn every_routed_operation_is_reached() {
    for route in ROUTES.iter().filter(|route| !NOT_ROUTED.contains(&route.name)) {
        let path = match route.place {
            Place::Service => "/",
            Place::Bucket => "/bucket",
            Place::Object => "/bucket/key",
            Place::Other => continue,
        };
        let required = route.required.iter().map(|name| format!("{name}=1"));
        let selectors = route.selectors.iter().map(|name| (*name).to_owned());
        let query: Vec<String> = selectors.chain(required).collect();
        let target = format!("{path}?{}", query.join("&"));
        let found = routed(route.method, &target, route.headers);
        assert_eq!(found.map(|found| found.operation), Ok(route.name), "{target}");
    }
}

#[test]
fn a_form_goes_to_a_bucket_alone() {
    let bucket = |method, path, query, host_bucket| {
        form_upload(&RestRequest { method, path, query, headers: &[], host_bucket })
            .map_err(|error| error.code)
    };
    let photos = || Ok(Some("photos".to_owned()));
    for (path, host_bucket) in [("/photos", None), ("/photos/", None), ("/", Some("photos"))] {
        assert_eq!(bucket("POST", path, None, host_bucket), photos(), "{path}");
        assert_eq!(bucket("POST", path, Some(""), host_bucket), photos(), "{path}");
        assert_eq!(bucket("PUT", path, None, host_bucket), Ok(None), "{path}");
        assert_eq!(bucket("POST", path, Some("delete"), host_bucket), Ok(None), "{path}");
        assert_eq!(bucket("POST", path, Some("x-id=a"), host_bucket), Ok(None), "{path}");
    }
    assert_eq!(bucket("POST", "/", None, None), Ok(None));
    assert_eq!(bucket("POST", "/photos/key", None, None), Ok(None));
    assert_eq!(bucket("POST", "//photos", None, None), Err("InvalidURI"));
    assert_eq!(bucket("POST", "/photos/..", None, None), Err("InvalidURI"));
    assert_eq!(bucket("POST", "/Photos", None, None), Err("InvalidBucketName"));
}
