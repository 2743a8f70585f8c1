//! A client of iamd and its gateway that is made with the AWS SDK for Rust: it does what a program
//! would do, and after each thing asks for the nearest that must be denied.
//!
//! Run as `rust-client IAMD GATEWAY ACCOUNT`, with the credentials of an administrator in the usual
//! variables. It prints a line for each thing that is as it should be, and panics at the first that is
//! not.

use std::fmt::Debug;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use aws_sdk_iam::Client as Iam;
use aws_sdk_s3::Client as S3;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::operation::put_object::{PutObjectError, PutObjectOutput};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use aws_sdk_sts::Client as Sts;

const USER: &str = "rust";
const ROLE: &str = "rust-reader";
const BUCKET: &str = "rust-bucket";
/// Every part of a multipart upload but the last has this many bytes at least.
const PART_LENGTH: usize = 5 * 1024 * 1024;

/// Where everything is.
struct World {
    iamd: String,
    gateway: String,
    account: String,
    http: SharedHttpClient,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().expect("rust-client IAMD GATEWAY ACCOUNT");
    let (iamd, gateway, account) = (next(), next(), next());
    let http = aws_smithy_http_client::Builder::new().build_http();
    let world = World { iamd, gateway, account, http };
    let variable = |name: &str| std::env::var(name).expect(name);
    let admin = Credentials::new(
        variable("AWS_ACCESS_KEY_ID"),
        variable("AWS_SECRET_ACCESS_KEY"),
        None,
        None,
        "administrator",
    );
    world.s3(&admin).create_bucket().bucket(BUCKET).send().await.expect("the bucket is made");
    let user = world.user(&world.iam(&admin)).await;
    let s3 = world.s3(&user);
    world.iam_is_denied(&world.iam(&user)).await;
    objects(&s3).await;
    checksums(&s3).await;
    parts(&s3).await;
    presigned(&world, &s3).await;
    lists(&s3).await;
    world.role(&world.iam(&admin), &world.sts(&user)).await;
    deletions(&s3).await;
    world.revoked(&world.iam(&admin), &s3, &user).await;
}

impl World {
    fn iam(&self, credentials: &Credentials) -> Iam {
        let config = aws_sdk_iam::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(self.http.clone())
            .endpoint_url(&self.iamd)
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials.clone())
            .retry_config(aws_sdk_iam::config::retry::RetryConfig::disabled());
        Iam::from_conf(config.build())
    }

    fn sts(&self, credentials: &Credentials) -> Sts {
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(self.http.clone())
            .endpoint_url(&self.iamd)
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials.clone())
            .retry_config(aws_sdk_sts::config::retry::RetryConfig::disabled());
        Sts::from_conf(config.build())
    }

    fn s3(&self, credentials: &Credentials) -> S3 {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(self.http.clone())
            .endpoint_url(&self.gateway)
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials.clone())
            .force_path_style(true)
            .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled());
        S3::from_conf(config.build())
    }

    /// A user who reads and writes below `own/`, and may assume the role.
    async fn user(&self, iam: &Iam) -> Credentials {
        let created = iam.create_user().user_name(USER).send().await.expect("the user is made");
        let arn = format!("arn:aws:iam::{}:user/{USER}", self.account);
        assert_eq!(created.user().map(|user| user.arn()), Some(&*arn));
        let again = iam.create_user().user_name(USER).send().await;
        refused("EntityAlreadyExists", again, "a second user of the name");
        let policy = format!(
            r#"{{"Version": "2012-10-17", "Statement": [
              {{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                "Resource": "arn:aws:s3:::{BUCKET}/own/*"}},
              {{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::{BUCKET}",
                "Condition": {{"StringLike": {{"s3:prefix": "own/*"}}}}}},
              {{"Effect": "Allow", "Action": "sts:AssumeRole",
                "Resource": "arn:aws:iam::{}:role/{ROLE}"}}]}}"#,
            self.account
        );
        let put = iam.put_user_policy().user_name(USER).policy_name("own").policy_document(policy);
        put.send().await.expect("the policy is stored");
        let key = iam.create_access_key().user_name(USER).send().await.expect("the key is made");
        let key = key.access_key().expect("an answer has the key");
        println!("a user has a key");
        Credentials::new(key.access_key_id(), key.secret_access_key(), None, None, "user")
    }

    async fn iam_is_denied(&self, iam: &Iam) {
        refused("AccessDenied", iam.create_user().user_name("other").send().await, "CreateUser");
        refused("AccessDenied", iam.list_users().send().await, "ListUsers");
    }

    /// A role that only reads.
    async fn role(&self, iam: &Iam, sts: &Sts) {
        let account = &self.account;
        let trust = format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow",
              "Principal": {{"AWS": "{account}"}}, "Action": "sts:AssumeRole"}}}}"#
        );
        let policy = format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow",
              "Action": "s3:GetObject", "Resource": "arn:aws:s3:::{BUCKET}/own/*"}}}}"#
        );
        let role = iam.create_role().role_name(ROLE).assume_role_policy_document(trust);
        role.send().await.expect("the role is made");
        let put = iam.put_role_policy().role_name(ROLE).policy_name("read").policy_document(policy);
        put.send().await.expect("the policy is stored");
        let assume = |role: &str| {
            let arn = format!("arn:aws:iam::{account}:role/{role}");
            sts.assume_role().role_arn(arn).role_session_name("session").send()
        };
        refused("AccessDenied", assume("other").await, "a role that is not named");
        let session = assume(ROLE).await.expect("the role is assumed");
        let keys = session.credentials().expect("an answer has credentials");
        let keys = Credentials::new(
            keys.access_key_id(),
            keys.secret_access_key(),
            Some(keys.session_token().to_owned()),
            None,
            "session",
        );
        let who = self.sts(&keys).get_caller_identity().send().await.expect("it says who");
        let arn = format!("arn:aws:sts::{account}:assumed-role/{ROLE}/session");
        assert_eq!(who.arn(), Some(&*arn));
        let s3 = self.s3(&keys);
        assert_eq!(read(&s3, "own/a").await, b"hello");
        refused("AccessDenied", put_object(&s3, "own/a", b"other").await, "a session that writes");
        refused("AccessDenied", get(&s3, "secret").await, "a session that reads elsewhere");
        println!("a session of a role reads");
    }

    /// The status of the answer to a plain GET.
    fn status_of(&self, url: &str) -> String {
        let host = self.gateway.strip_prefix("http://").expect("the gateway speaks plain HTTP");
        let target = url.strip_prefix(&self.gateway).expect("the request is one to the gateway");
        let mut stream = TcpStream::connect(host).expect("the gateway listens");
        let head = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("the request is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the answer is text");
        answer.split(' ').nth(1).expect("the answer has a status").to_owned()
    }

    /// What is taken away is gone at once.
    async fn revoked(&self, iam: &Iam, s3: &S3, user: &Credentials) {
        let key = iam.delete_access_key().user_name(USER).access_key_id(user.access_key_id());
        key.send().await.expect("the key is deleted");
        refused("InvalidAccessKeyId", get(s3, "own/a").await, "a key that is gone");
        println!("a deleted key opens nothing");
    }
}

async fn objects(s3: &S3) {
    put_object(s3, "own/a", b"hello").await.expect("the object is stored");
    assert_eq!(read(s3, "own/a").await, b"hello");
    refused("AccessDenied", put_object(s3, "secret", b"hello").await, "an object elsewhere");
    refused("AccessDenied", get(s3, "secret").await, "an object elsewhere");
    let copy = s3.copy_object().bucket(BUCKET).key("own/copy");
    let copied = copy.clone().copy_source(format!("{BUCKET}/own/a")).send().await;
    copied.expect("the object is copied");
    let denied = copy.copy_source(format!("{BUCKET}/secret")).send().await;
    refused("AccessDenied", denied, "a copy of what may not be read");
    println!("objects are stored, read and copied");
}

/// Every kind of checksum that the SDK knows, behind the body and before it.
async fn checksums(s3: &S3) {
    for algorithm in [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ] {
        let key = format!("own/{algorithm}");
        let put = s3.put_object().bucket(BUCKET).key(&key).checksum_algorithm(algorithm.clone());
        let put = put.body(ByteStream::from_static(b"123456789")).send().await;
        put.unwrap_or_else(|error| panic!("{algorithm}: {error:?}"));
        assert_eq!(read(s3, &key).await, b"123456789", "{algorithm}");
    }
    let wrong = s3.put_object().bucket(BUCKET).key("own/CRC32").checksum_crc32("AAAAAA==");
    let wrong = wrong.body(ByteStream::from_static(b"123456789")).send().await;
    // What the store makes of it is the store's word: the gateway hands plain checksums on.
    assert!(wrong.is_err(), "a wrong checksum is accepted");
    println!("checksums are checked");
}

async fn parts(s3: &S3) {
    let key = "own/parts";
    let begin = |key: &str| s3.create_multipart_upload().bucket(BUCKET).key(key).send();
    refused("AccessDenied", begin("parts").await, "an upload elsewhere");
    let upload = begin(key).await.expect("the upload begins");
    let id = upload.upload_id().expect("an upload has an id");
    let mut done = CompletedMultipartUpload::builder();
    for (number, body) in [(1, vec![b'a'; PART_LENGTH]), (2, b"end".to_vec())] {
        let part = s3.upload_part().bucket(BUCKET).key(key).upload_id(id).part_number(number);
        let part = part.body(ByteStream::from(body)).send().await.expect("the part is stored");
        let etag = part.e_tag().expect("a part has an ETag");
        done = done.parts(CompletedPart::builder().part_number(number).e_tag(etag).build());
    }
    let other = s3.upload_part().bucket(BUCKET).key("parts").upload_id(id).part_number(1);
    let other = other.body(ByteStream::from_static(b"x")).send().await;
    refused("AccessDenied", other, "a part of an upload elsewhere");
    let complete = s3.complete_multipart_upload().bucket(BUCKET).key(key).upload_id(id);
    complete.multipart_upload(done.build()).send().await.expect("the upload ends");
    let whole = read(s3, key).await;
    assert_eq!((whole.len(), whole.ends_with(b"aend")), (PART_LENGTH + 3, true));
    println!("an object of two parts is stored");
}

/// A presigned request, sent by a client that knows nothing of signatures.
async fn presigned(world: &World, s3: &S3) {
    let expires = PresigningConfig::expires_in(Duration::from_secs(60)).expect("a minute is right");
    for (key, status) in [("own/a", "200"), ("secret", "403")] {
        let get = s3.get_object().bucket(BUCKET).key(key).presigned(expires.clone()).await;
        let url = get.expect("the request is signed").uri().to_owned();
        assert_eq!(world.status_of(&url), status, "{key}");
        assert_eq!(world.status_of(&url.replace(key, "own/copy")), "403", "another object");
    }
    println!("a presigned request is good for one object");
}

async fn lists(s3: &S3) {
    let mut pages = s3.list_objects_v2().bucket(BUCKET).prefix("own/").max_keys(2);
    let mut keys: Vec<String> = Vec::new();
    loop {
        let page = pages.clone().send().await.expect("the list is given");
        keys.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
        match page.next_continuation_token() {
            Some(token) => pages = pages.continuation_token(token),
            None => break,
        }
    }
    assert_eq!(keys.len(), 8, "{keys:?}");
    let all = s3.list_objects_v2().bucket(BUCKET).send().await;
    refused("AccessDenied", all, "a list of everything");
    println!("objects are listed");
}

async fn deletions(s3: &S3) {
    let delete = |key: &str| s3.delete_object().bucket(BUCKET).key(key).send();
    delete("own/parts").await.expect("the object is deleted");
    // Who may not list the whole bucket does not hear that something is not there.
    refused("AccessDenied", get(s3, "own/parts").await, "an object that is gone");
    refused("AccessDenied", delete("secret").await, "an object elsewhere");
    println!("objects are deleted");
}

async fn get(s3: &S3, key: &str) -> Result<GetObjectOutput, SdkError<GetObjectError>> {
    s3.get_object().bucket(BUCKET).key(key).send().await
}

async fn read(s3: &S3, key: &str) -> Vec<u8> {
    let object = get(s3, key).await.unwrap_or_else(|error| panic!("{key}: {error:?}"));
    object.body.collect().await.expect("the object is whole").to_vec()
}

async fn put_object(
    s3: &S3,
    key: &str,
    body: &'static [u8],
) -> Result<PutObjectOutput, SdkError<PutObjectError>> {
    let body = ByteStream::from_static(body);
    s3.put_object().bucket(BUCKET).key(key).body(body).send().await
}

/// Panics unless the outcome is this refusal.
fn refused<T: Debug, E: ProvideErrorMetadata + Debug>(
    code: &str,
    outcome: Result<T, E>,
    what: &str,
) {
    match outcome {
        Ok(done) => panic!("{what} is not refused: {done:?}"),
        Err(error) => assert_eq!(error.code(), Some(code), "{what}: {error:?}"),
    }
}
