//! Jobs that exist in their ids alone.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use iamd_wire::iam::AccessAdvisorUsageGranularityType;
use iamd_wire::{ErrorCode, Timestamp};

use crate::operation::Scene;
use crate::refusal::Refusal;
use crate::unique_id::UniqueId;

/// A report that was asked for.
///
/// Its id has 36 characters, as AWS's have: what stands here, and a proof that this server gave it to
/// this caller. Another caller cannot use it, as on AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Job {
    /// The user, group, role or managed policy.
    pub(super) subject: UniqueId,
    /// How much the report tells.
    pub(super) granularity: AccessAdvisorUsageGranularityType,
    /// When it was asked for.
    pub(super) created: Timestamp,
}

/// Bytes of granularity, time and packed subject.
const CONTENT_LENGTH: usize = 1 + 4 + UniqueId::PACKED_LENGTH;
/// With the content 27 bytes, which are 36 characters.
const PROOF_LENGTH: usize = 27 - CONTENT_LENGTH;

impl Job {
    /// The id, for the caller in a scene.
    pub(super) fn seal(&self, scene: &Scene<'_>) -> String {
        let content = self.content();
        let proof = scene.marker_key.proof(&purpose(scene), &content);
        let proof = proof.get(..PROOF_LENGTH).unwrap_or_default();
        URL_SAFE_NO_PAD.encode([proof, &content].concat())
    }

    /// The job of an id; none if this server did not give it to this caller.
    pub(super) fn open(scene: &Scene<'_>, id: &str) -> Option<Job> {
        let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
        let (proof, content) = bytes.split_at_checked(PROOF_LENGTH)?;
        let expected = scene.marker_key.proof(&purpose(scene), content);
        let expected = expected.get(..PROOF_LENGTH)?;
        aws_lc_rs::constant_time::verify_slices_are_equal(expected, proof).ok()?;
        let (granularity, rest) = content.split_first()?;
        let (created, subject) = rest.split_at_checked(4)?;
        Some(Job {
            subject: UniqueId::unpack(subject.try_into().ok()?)?,
            granularity: match granularity {
                0 => AccessAdvisorUsageGranularityType::ServiceLevel,
                1 => AccessAdvisorUsageGranularityType::ActionLevel,
                _ => return None,
            },
            created: Timestamp::from_seconds(u32::from_be_bytes(created.try_into().ok()?).into()),
        })
    }

    fn content(&self) -> [u8; CONTENT_LENGTH] {
        let granularity = match self.granularity {
            AccessAdvisorUsageGranularityType::ServiceLevel => 0,
            AccessAdvisorUsageGranularityType::ActionLevel => 1,
        };
        // Good until 2106.
        let created = u32::try_from(self.created.seconds()).unwrap_or_default();
        let created = created.to_be_bytes();
        let parts = std::iter::once(granularity).chain(created).chain(self.subject.pack());
        let mut content = [0; CONTENT_LENGTH];
        for (place, byte) in content.iter_mut().zip(parts) {
            *place = byte;
        }
        content
    }
}

/// The caller as ids are bound to him: all sessions of a role are one.
fn purpose(scene: &Scene<'_>) -> String {
    format!("job:{}:{}", scene.account.id(), scene.caller.identity.access_id())
}

/// `NoSuchEntity` for an id that names no job of the caller's.
// CHOICE: AWS documents the code alone.
pub(super) fn not_found(id: &str) -> Refusal {
    Refusal::new(ErrorCode::NoSuchEntity, format!("The job with id {id} cannot be found."))
}
