//! When a one-time code of a device counts.
//!
//! Source: IAM User Guide, "Enable a virtual MFA device" and "Resynchronize virtual and hardware MFA
//! devices"; RFC 6238, section 5.2 (a code counts once) and section 6 (clocks that drift).

use iamd_wire::Timestamp;

use crate::operation::Scene;
use crate::preparation::{CodeUse, Prepared};
use crate::state::MfaDevice;
use crate::totp::{Code, STEP_SECONDS, Seed, Step, step_at};

/// How many steps a shown code may be early or late, by the clock of its device.
// CHOICE: AWS does not publish its window; this is what RFC 6238 recommends.
const SHOWN_STEPS: Step = 1;
/// How many steps the clock of a device may be ahead or behind when its drift is found out: an hour.
// CHOICE: AWS does not publish its window.
const DRIFT_STEPS: Step = 60 * 60 / STEP_SECONDS;

/// The use of one code of a device, as it is shown to prove who somebody is.
pub(crate) fn shown(scene: &Scene<'_>, device: &MfaDevice, code: &str) -> CodeUse {
    let at = looked_at(scene);
    let drift = device.assignment.map_or(0, |assignment| Step::from(assignment.drift));
    let present = step_at(at) + drift;
    let steps = steps_of(device, code, present, SHOWN_STEPS);
    let nearest = nearest(steps, present, device);
    // What the window would still let through of earlier steps.
    let passed = nearest.map_or(0..0, |step| step - 2 * SHOWN_STEPS..step);
    of(scene, device, nearest.into_iter().collect(), passed.collect(), at)
}

/// The use of two consecutive codes, with the drift of the device's clock that they show.
pub(crate) fn consecutive(
    scene: &Scene<'_>,
    device: &MfaDevice,
    first: &str,
    second: &str,
) -> (CodeUse, i32) {
    let at = looked_at(scene);
    let present = step_at(at);
    let firsts = steps_of(device, first, present - 1, DRIFT_STEPS);
    let seconds = steps_of(device, second, present, DRIFT_STEPS);
    let pairs = firsts.into_iter().map(|step| step + 1).filter(|step| seconds.contains(step));
    let newer = pairs.filter(|step| device.last_step.is_none_or(|last| step - 1 > last)).collect();
    let last = nearest(newer, present, device);
    let steps = last.map(|last| vec![last - 1, last]).unwrap_or_default();
    // One step is how long it takes to type two codes in, and no drift.
    let drift = last.map_or(0, |last| last - present);
    let drift = if drift.abs() <= SHOWN_STEPS { 0 } else { drift };
    let code = of(scene, device, steps, Vec::new(), at);
    (code, i32::try_from(drift).unwrap_or(0))
}

/// Whether the codes were used up for this request, and only for it.
pub(crate) fn is_claimed(scene: &Scene<'_>, code: &CodeUse) -> bool {
    scene.prepared.is_some_and(|prepared| prepared.has_claimed(code))
}

/// When the codes of the request were, or are, looked at.
fn looked_at(scene: &Scene<'_>) -> Timestamp {
    scene.prepared.and_then(Prepared::code_time).unwrap_or(scene.now)
}

fn steps_of(device: &MfaDevice, code: &str, around: Step, steps: Step) -> Vec<Step> {
    let (Ok(seed), Ok(code)) = (Seed::of_base32(&device.seed), code.parse::<Code>()) else {
        return Vec::new();
    };
    seed.steps_of(&code, around - steps..=around + steps)
}

/// The step that is nearest to the present one, of those that still count.
fn nearest(steps: Vec<Step>, present: Step, device: &MfaDevice) -> Option<Step> {
    let counts = |step: &Step| device.last_step.is_none_or(|last| *step > last);
    steps.into_iter().filter(counts).min_by_key(|step| (step - present).abs())
}

fn of(
    scene: &Scene<'_>,
    device: &MfaDevice,
    steps: Vec<Step>,
    passed: Vec<Step>,
    at: Timestamp,
) -> CodeUse {
    // Until then a code might count for finding out the drift.
    let last = steps.last().copied().unwrap_or_default();
    let expires = (last + DRIFT_STEPS + SHOWN_STEPS + 1) * STEP_SECONDS;
    CodeUse {
        account: scene.account.id(),
        device: device.id,
        steps,
        passed,
        expires: Timestamp::from_seconds(expires),
        at,
    }
}
