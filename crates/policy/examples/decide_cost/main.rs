//! What decisions cost, as JSON lines for `cargo xtask bench`: nanoseconds per decision,
//! request building included, and of the hash that it is compared with.

mod workload;

use std::hash::{BuildHasher, RandomState};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use iamd_policy::{Context, Document, Policies, PolicySet, Principal, Request, decide};

/// The program's allocator, so that the figures are the program's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many repetitions are timed together.
const REPETITIONS: u32 = 200_000;

fn main() {
    let principal = Principal::User {
        arn: workload::PRINCIPAL.to_owned(),
        unique_id: String::new(),
        has_boundary: false,
    };
    let hash = measured(|| {
        let state = RandomState::new();
        state.hash_one((workload::ACTION, workload::RESOURCE, workload::PRINCIPAL))
    });
    println!(r#"{{"name":"hash","nanoseconds":{hash:.1}}}"#);
    let cases = [
        ("5 statements", documents(workload::policies(1))),
        ("500 statements, none concerns the request", documents(workload::policies(100))),
        ("500 statements, 50 share the action", documents(workload::mixed(90, 10))),
        ("5,000 statements, none concerns the request", documents(workload::policies(1_000))),
    ];
    for (name, documents) in cases {
        let set: PolicySet = documents.into_iter().collect();
        set.prepare();
        let cost = measured(|| {
            let context = Context::default();
            let request = Request {
                principal: &principal,
                action: black_box(workload::ACTION),
                resource: black_box(workload::RESOURCE),
                resource_account: Some("111122223333"),
                context: &context,
            };
            decide(&request, &Policies { identity: Some(&[&set]), ..Policies::default() })
        });
        println!(
            r#"{{"name":"{name}","nanoseconds":{cost:.1},"index_bytes":{}}}"#,
            set.index_size()
        );
    }
    let texts: Vec<String> =
        (0..100).map(|number| workload::to_json(&workload::policy(number))).collect();
    let cost = least(20, || {
        let parsed =
            texts.iter().filter_map(|text| Some((Arc::from("p"), Document::parse(text).ok()?)));
        let set = parsed.collect::<PolicySet>();
        set.prepare();
        set
    });
    println!(
        r#"{{"name":"parse and compile 100 policies of 5 statements","nanoseconds":{cost:.1}}}"#
    );
    worst();
    memory();
}

/// Documents whose memory is measured, of five statements each.
const MEASURED_DOCUMENTS: usize = 20_000;

/// What a statement takes in memory that no other document has, its share of the text and of the
/// index of a set of 100 documents included.
fn memory() {
    let texts: Vec<String> = (0..MEASURED_DOCUMENTS)
        .map(|number| workload::to_json(&workload::policy(number)))
        .collect();
    let bytes_of_text = texts.iter().map(String::len).sum::<usize>();
    let Some(before) = resident() else { return };
    let sets: Vec<PolicySet> = texts
        .chunks(100)
        .map(|texts| {
            let parsed =
                texts.iter().filter_map(|text| Some((Arc::from("p"), Document::parse(text).ok()?)));
            let set: PolicySet = parsed.collect();
            set.prepare();
            set
        })
        .collect();
    let Some(after) = resident() else { return };
    black_box(&sets);
    let statements = (MEASURED_DOCUMENTS * 5) as f64;
    let (each, text) = ((after - before) / statements, bytes_of_text as f64 / statements);
    println!(r#"{{"name":"memory of a distinct statement","bytes":{each:.0},"text":{text:.0}}}"#);
}

/// Resident memory of this process, in bytes; none where the system does not tell.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim()
        .trim_end_matches("kB")
        .trim()
        .parse::<f64>()
        .ok()
        .map(|kilobytes| kilobytes * 1024.0)
}

/// Characters of the worst documents: the quota of a managed policy.
///
/// Source: IAM User Guide, "IAM and AWS STS quotas".
const WORST_CHARACTERS: usize = 6_144;

/// The worst documents that we know of, beside a request of the greatest size; of each kind the slowest
/// counts. Many values of a document beside many of a request are a kind of their own: each of these
/// is compared with each of those.
fn worst() {
    let mut slowest = [("parse", 0.0, ""), ("decide", 0.0, ""), ("decide, 50 tag keys", 0.0, "")];
    let request = WorstRequest::new();
    for (name, before, value, after) in &worst_documents() {
        let count = (WORST_CHARACTERS - before.len() - after.len()) / (value.len() + 3);
        let values = vec![format!("\"{value}\""); count].join(",");
        let text = format!("{before}{values}{after}");
        let Ok(document) = Document::parse(&text) else { continue };
        let set: PolicySet = [(Arc::from("p"), document)].into_iter().collect();
        let parse = least(20, || Document::parse(&text).is_ok());
        let decide = least(50, || request.decide(&set));
        let has_condition = before.contains("Condition");
        let costs = [Some(parse), Some(decide).filter(|_| !has_condition), Some(decide)];
        for (slowest, cost) in slowest.iter_mut().zip(costs) {
            if let Some(cost) = cost.filter(|cost| *cost > slowest.1) {
                (slowest.1, slowest.2) = (cost, name);
            }
        }
    }
    for (what, cost, document) in slowest {
        println!(
            r#"{{"name":"worst document of 6,144 characters: {what}","nanoseconds":{cost:.1},"document":"{document}"}}"#
        );
    }
}

/// For each: a name, how the document begins, a value that fills it, and how it ends.
fn worst_documents() -> Vec<(&'static str, String, String, String)> {
    let statement = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*""#;
    let resource = |value: &str| format!("arn:aws:s3:::{value}");
    let as_resource = |name, value: &str| {
        let before = format!(r#"{statement},"Resource":["#);
        (name, before, resource(value), "]}}".to_owned())
    };
    let as_condition = |name, operator: &str, value: &str| {
        let before = format!(
            r#"{statement},"Resource":"*","Condition":{{"ForAnyValue:{operator}":{{"aws:TagKeys":["#
        );
        (name, before, value.to_owned(), "]}}}}".to_owned())
    };
    vec![
        // A long piece with `?` is nearly there at every place of a long run of `a`.
        as_resource("one piece of a?", &format!("*{}b*", "a?".repeat(500))),
        as_resource("pieces of ?a", &format!("*{}b*", "?a".repeat(250))),
        as_resource("short pieces of a?b", "*a?b*"),
        as_resource("8 stars and 64 characters each", &format!("{}b*", "*a".repeat(8 * 32))),
        as_resource("stars", &format!("{}b*", "*a".repeat(2_900))),
        as_resource("variables", "*${aws:username}*${aws:username}b*"),
        as_resource("variables without end", &"${".repeat(2_900)),
        as_condition("tag keys beside patterns", "StringLike", "*a?a?b*"),
        as_condition("tag keys beside variables", "StringLike", "*${aws:username}b"),
        as_condition("tag keys beside long pieces", "StringLike", "*${aws:username}?b*"),
        as_condition("tag keys beside ARNs", "ArnLike", "arn:aws:s3:::*a?b"),
        as_condition("tag keys in any case", "StringEqualsIgnoreCase", &"a".repeat(127)),
    ]
}

/// The longest names and values that AWS allows.
struct WorstRequest {
    principal: Principal,
    context: Context,
    resource: String,
}

impl WorstRequest {
    fn new() -> WorstRequest {
        let principal = Principal::User {
            arn: format!("arn:aws:iam::111122223333:user/{}", "a".repeat(64)),
            unique_id: String::new(),
            has_boundary: false,
        };
        let mut context = Context::default();
        context.add_principal_keys(&principal);
        let keys: Vec<String> = (0..50).map(|key| format!("{}{key:02}", "a".repeat(126))).collect();
        context.set_list("aws:TagKeys", keys.iter().map(String::as_str));
        WorstRequest { principal, context, resource: format!("arn:aws:s3:::{}", "a".repeat(1_024)) }
    }

    fn decide(&self, set: &PolicySet) -> iamd_policy::Decision {
        let request = Request {
            principal: &self.principal,
            action: "s3:GetObject",
            resource: &self.resource,
            resource_account: Some("111122223333"),
            context: &self.context,
        };
        decide(&request, &Policies { identity: Some(&[set]), ..Policies::default() })
    }
}

/// Nanoseconds per repetition, the least of five tries: what others take on the machine only adds.
fn measured<T>(mut work: impl FnMut() -> T) -> f64 {
    let repeated = || {
        (0..REPETITIONS).for_each(|_| {
            black_box(work());
        })
    };
    least(5, repeated) / f64::from(REPETITIONS)
}

/// Nanoseconds of the quickest of some tries.
fn least<T>(tries: u32, mut work: impl FnMut() -> T) -> f64 {
    let tries = (0..tries).map(|_| {
        let start = Instant::now();
        let result = black_box(work());
        let elapsed = start.elapsed();
        drop(result);
        elapsed.as_nanos() as f64
    });
    tries.fold(f64::INFINITY, f64::min)
}

fn documents(policies: Vec<Vec<workload::Statement>>) -> Vec<(Arc<str>, Document)> {
    let text = |policy: Vec<workload::Statement>| workload::to_json(&policy);
    let parsed = |text: String| Some((Arc::from("p"), Document::parse(&text).ok()?));
    policies.into_iter().map(text).filter_map(parsed).collect()
}
