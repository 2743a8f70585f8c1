//! Jobs that exist in their ids alone.

use std::fmt::Write;

use iamd_wire::iam::AccessAdvisorUsageGranularityType;
use iamd_wire::{ErrorCode, Timestamp};

use super::subject::Subject;
use crate::operation::Scene;
use crate::refusal::Refusal;
use crate::unique_id::UniqueId;

/// A report that was asked for.
///
/// Its id has the form of AWS's, a UUID: when it was made, a mark by which its subject is found and the
/// granularity, and a proof that this server gave it to this caller for this subject. Another caller
/// cannot use it, as on AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Job {
    /// The user, group, role or managed policy.
    pub(super) subject: UniqueId,
    /// How much the report tells.
    pub(super) granularity: AccessAdvisorUsageGranularityType,
    /// When it was asked for.
    pub(super) created: Timestamp,
}

/// Where hyphens stand behind pairs of digits.
const HYPHENS_BEHIND: [usize; 4] = [3, 5, 7, 9];

impl Job {
    /// The id, for the caller in a scene.
    pub(super) fn seal(&self, scene: &Scene<'_>) -> String {
        // Good until 2106.
        let created = u32::try_from(self.created.seconds()).unwrap_or_default();
        let [a, b, c, d] = created.to_be_bytes();
        let [e, f, g, h] = self.mark().to_be_bytes();
        let mut id = String::with_capacity(36);
        let bytes = [a, b, c, d, e, f, g, h].into_iter().chain(self.proof(scene));
        for (place, byte) in bytes.enumerate() {
            // INVARIANT: writing to a text cannot fail.
            let _ = write!(id, "{byte:02x}");
            if HYPHENS_BEHIND.contains(&place) {
                id.push('-');
            }
        }
        id
    }

    /// The job of an id and its subject; none if this server did not give it to this caller, or the
    /// subject is gone.
    pub(super) fn open<'a>(scene: &Scene<'a>, id: &str) -> Option<(Job, Subject<'a>)> {
        let number = u128::from_str_radix(&id.replace('-', ""), 16).ok()?;
        let created = (number >> 96) as u32;
        let mark = (number >> 64) as u32;
        let proof = (number as u64).to_be_bytes();
        let granularity = match mark & 1 {
            0 => AccessAdvisorUsageGranularityType::ServiceLevel,
            _ => AccessAdvisorUsageGranularityType::ActionLevel,
        };
        let created = Timestamp::from_seconds(created.into());
        let job = |subject| Job { subject, granularity, created };
        let is_proven = |subject: UniqueId| {
            let job = job(subject);
            let is_same = aws_lc_rs::constant_time::verify_slices_are_equal;
            job.mark() == mark && is_same(&job.proof(scene), &proof).is_ok()
        };
        let subject = Subject::found(scene, is_proven)?;
        let job = job(subject.id());
        // One spelling alone.
        (job.seal(scene) == id).then_some((job, subject))
    }

    /// A part of the subject's id, mixed, with the granularity in the last bit: it spares most proofs.
    fn mark(&self) -> u32 {
        let granularity = match self.granularity {
            AccessAdvisorUsageGranularityType::ServiceLevel => 0,
            AccessAdvisorUsageGranularityType::ActionLevel => 1,
        };
        let mix = |sum: u32, byte: u8| sum.wrapping_mul(0x0100_0193) ^ u32::from(byte);
        self.subject.as_str().bytes().fold(0x811c_9dc5, mix) & !1 | granularity
    }

    /// All sessions of a role are one caller.
    fn proof(&self, scene: &Scene<'_>) -> [u8; 8] {
        let caller = scene.caller.identity.access_id();
        let purpose = format!("job:{}:{caller}", scene.account.id());
        let (time, mark) = (self.created.seconds(), self.mark());
        let content = format!("{}:{time}:{mark}", self.subject);
        let mut proof = [0; 8];
        let whole = scene.marker_key.proof(&purpose, content.as_bytes());
        for (place, byte) in proof.iter_mut().zip(whole.iter()) {
            *place = *byte;
        }
        proof
    }
}

/// `NoSuchEntity` for an id that names no job of the caller's.
// CHOICE: AWS documents the code alone.
pub(super) fn not_found(id: &str) -> Refusal {
    Refusal::new(ErrorCode::NoSuchEntity, format!("The job with id {id} cannot be found."))
}
