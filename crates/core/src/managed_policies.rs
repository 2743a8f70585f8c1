//! The AWS managed policies: a data pack that comes with the program.
//!
//! Two files, written by `cargo xtask data`: an index with a line for each policy, by name, and
//! their documents. Listing policies reads the index only; a document is touched when it is asked
//! for. Nothing here is computed but the places of things.

use std::sync::OnceLock;

/// By name: ARN, id, default version, creation, update, use, length of the document.
const INDEX: &str = include_str!("../data/aws_managed_policies.tsv");

/// A document a line, in the order of the index.
const DOCUMENTS: &str = include_str!("../data/aws_managed_policies.jsonl");

/// What every ARN of an AWS managed policy begins with; the path follows.
/// IAM User Guide, "IAM identifiers", section "IAM ARNs".
const ARN_PREFIX: &str = "arn:aws:iam::aws:policy";

/// An AWS managed policy, with the one version of its document that the pack holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManagedPolicyRecord {
    /// Its name, such as `ReadOnlyAccess`; unique whatever the path.
    pub name: &'static str,
    /// Its path, such as `/` or `/service-role/`.
    pub path: &'static str,
    /// Its ARN.
    pub arn: &'static str,
    /// Its unique id: not the one that AWS has given, which is not published, but a stable one.
    pub policy_id: &'static str,
    /// The version in force, such as `v190`. Earlier ones are not kept.
    pub version_id: &'static str,
    /// When AWS published the policy, in seconds since 1970.
    pub create_date: i64,
    /// When AWS published the version in force, in seconds since 1970.
    pub update_date: i64,
    /// Whether users, groups and ordinary roles can carry it. Those under `/aws-service-role/` are
    /// only for service-linked roles. IAM User Guide, "Service-linked roles".
    pub attachable: bool,
    place: usize,
    length: usize,
}

impl ManagedPolicyRecord {
    /// The policy document: compact JSON, otherwise as AWS published it.
    pub fn document(&self) -> &'static str {
        // INVARIANT: a test proves that every place is one; an empty document would allow nothing.
        DOCUMENTS.get(self.place..self.place + self.length).unwrap_or_default()
    }
}

/// The policy of this name or ARN; letter case and path count.
pub fn find(name_or_arn: &str) -> Option<ManagedPolicyRecord> {
    records().get(index_of(name_or_arn)?).copied()
}

/// The place of a policy among [`all`], by name or ARN.
pub fn index_of(name_or_arn: &str) -> Option<usize> {
    let (path, name) = match name_or_arn.strip_prefix(ARN_PREFIX) {
        Some(rest) => {
            let (path, name) = rest.split_at(rest.rfind('/')? + 1);
            (Some(path), name)
        }
        None => (None, name_or_arn),
    };
    let index = records().binary_search_by(|record| record.name.cmp(name)).ok()?;
    let is_there =
        path.is_none_or(|path| records().get(index).is_some_and(|found| found.path == path));
    is_there.then_some(index)
}

/// How many policies the pack holds.
pub fn count() -> usize {
    records().len()
}

/// All policies, by name, without touching their documents.
pub fn all() -> impl Iterator<Item = ManagedPolicyRecord> {
    records().iter().copied()
}

/// The policies behind this name, by name; found by seeking.
pub fn after(name: Option<&str>) -> impl Iterator<Item = ManagedPolicyRecord> + use<> {
    let all = records();
    let from = name.map_or(0, |name| all.partition_point(|record| record.name <= name));
    all.get(from..).unwrap_or_default().iter().copied()
}

/// The index, read once. Memory of a pure function of the data pack, not state.
fn records() -> &'static [ManagedPolicyRecord] {
    static RECORDS: OnceLock<Box<[ManagedPolicyRecord]>> = OnceLock::new();
    RECORDS.get_or_init(|| {
        let mut place = 0;
        let read = INDEX.lines().map_while(|line| {
            let record = read(line, place)?;
            place += record.length + 1;
            Some(record)
        });
        read.collect()
    })
}

fn read(line: &'static str, place: usize) -> Option<ManagedPolicyRecord> {
    let mut fields = line.split('\t');
    let arn = fields.next()?;
    let (path, name) =
        arn.strip_prefix(ARN_PREFIX)?.split_at(arn.rfind('/')? + 1 - ARN_PREFIX.len());
    Some(ManagedPolicyRecord {
        name,
        path,
        arn,
        policy_id: fields.next()?,
        version_id: fields.next()?,
        create_date: fields.next()?.parse().ok()?,
        update_date: fields.next()?.parse().ok()?,
        attachable: fields.next()? == "attachable",
        place,
        length: fields.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::unique_id::UniqueId;

    #[test]
    fn every_line_is_a_policy_with_a_document() {
        assert_eq!(count(), INDEX.lines().count());
        assert_eq!(count(), DOCUMENTS.lines().count());
        for (record, document) in all().zip(DOCUMENTS.lines()) {
            assert_eq!(record.document(), document);
            let json: serde_json::Value = serde_json::from_str(document).unwrap();
            assert!(json["Statement"].is_array() || json["Statement"].is_object());
            assert!(record.create_date <= record.update_date, "{}", record.name);
            assert!(record.version_id.strip_prefix('v').unwrap().parse::<u16>().is_ok());
            assert!(record.path.starts_with('/') && record.path.ends_with('/'));
            assert_eq!(
                record.arn,
                format!("arn:aws:iam::aws:policy{}{}", record.path, record.name)
            );
        }
    }

    #[test]
    fn every_document_that_can_be_in_force_is_a_policy() {
        // Those of service-linked roles may be longer than what anybody else may write.
        for record in all().filter(|record| record.attachable) {
            let document = iamd_policy::Document::parse(record.document());
            assert!(document.is_ok(), "{}: {:?}", record.name, document.err());
        }
    }

    #[test]
    fn policies_are_sorted_and_found() {
        assert!(all().map(|record| record.name).is_sorted());
        assert_eq!(after(None).count(), count());
        for (index, record) in all().enumerate() {
            let next = after(Some(record.name)).next();
            assert_eq!(next.map(|next| next.name), all().nth(index + 1).map(|next| next.name));
            assert_eq!(index_of(record.name), Some(index));
            assert_eq!(index_of(record.arn), Some(index));
        }
    }

    #[test]
    fn ids_are_unique_and_carry_no_account() {
        let ids: HashSet<_> = all().map(|record| record.policy_id).collect();
        assert_eq!(ids.len(), count());
        for id in ids {
            let id: UniqueId = id.parse().unwrap();
            assert!(id.as_str().starts_with("ANPA") && id.account().is_none());
        }
    }

    #[test]
    fn known_policies_are_there() {
        let administrator = find("AdministratorAccess").unwrap();
        assert_eq!(administrator.arn, "arn:aws:iam::aws:policy/AdministratorAccess");
        assert_eq!(find(administrator.arn), Some(administrator));
        assert_eq!(administrator.create_date, 1_423_247_986, "2015-02-06T18:39:46Z");
        let json: serde_json::Value = serde_json::from_str(administrator.document()).unwrap();
        assert_eq!(json["Statement"][0]["Action"], "*");
        let reader = find("ReadOnlyAccess").unwrap();
        assert!(reader.attachable && reader.document().len() > 10_000);
        let cluster = "arn:aws:iam::aws:policy/service-role/AmazonElasticMapReduceforEC2Role";
        assert_eq!(find(cluster).unwrap().path, "/service-role/");
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for absent in [
            "",
            "administratoraccess",
            "AdministratorAccess ",
            "arn:aws:iam::aws:policy",
            "arn:aws:iam::aws:policy/",
            "arn:aws:iam::aws:policyAdministratorAccess",
            "arn:aws:iam::aws:policy/service-role/AdministratorAccess",
            "arn:aws:iam::aws:policy/AmazonElasticMapReduceforEC2Role",
            "arn:aws:iam::111111111111:policy/AdministratorAccess",
        ] {
            assert_eq!(find(absent), None, "{absent}");
        }
    }

    #[test]
    fn only_policies_of_service_linked_roles_cannot_be_attached() {
        for record in all() {
            assert_eq!(record.attachable, record.path != "/aws-service-role/", "{}", record.name);
        }
        assert!(!find("AWSSupportServiceRolePolicy").unwrap().attachable);
        assert!(all().filter(|record| record.attachable).count() > 1_000);
    }

    /// AWS's own policies are sound: what lint calls malformed in them is a fault of lint's.
    #[test]
    fn lint_finds_no_fault_in_policies_of_aws() {
        for record in all().filter(|record| record.attachable) {
            // These three are for sessions of AssumeRoot, and name root itself.
            if record.path == "/root-task/" || record.arn.contains("policy/root-task") {
                continue;
            }
            let findings = iamd_policy::lint(record.document(), iamd_policy::Grammar::Identity);
            // Some actions were withdrawn after the policy was written, and AWS's own policies may be
            // longer than others.
            let excused = ["INVALID_ACTION", "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA"];
            let errors = findings.iter().filter(|finding| {
                finding.severity == iamd_policy::Severity::Error && !excused.contains(&finding.code)
            });
            let errors: Vec<_> = errors.collect();
            assert!(errors.is_empty(), "{}: {errors:?}", record.arn);
        }
    }
}
