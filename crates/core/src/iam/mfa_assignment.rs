//! Whose MFA devices are. Source: IAM API Reference; IAM User Guide, "AWS multi-factor
//! authentication in IAM".

use iamd_wire::iam::{
    DeactivateMFADeviceRequest, EnableMFADeviceRequest, GetMFADeviceRequest, GetMFADeviceResponse,
    ListMFADevicesRequest, ListMFADevicesResponse, MFADevice as WireMfaDevice,
    ResyncMFADeviceRequest, User as WireUser,
};
use iamd_wire::{ErrorCode, NoOutput};

use super::resource;
use super::user::{self, Subject, subject};
use crate::arn;
use crate::caller::Identity;
use crate::draw::Draw;
use crate::marker::PageRequest;
use crate::mfa;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::preparation::{CodeUse, Preparation};
use crate::quota;
use crate::refusal::Refusal;
use crate::state::{Change, Entity, KeyOwner, MfaAssignment, MfaDevice, User};
use crate::text;

/// Gives a device to a user who shows two of its codes, one after the other.
impl Operation for EnableMFADeviceRequest {
    const ACTION: &'static str = "iam:EnableMFADevice";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(scene, Self::ACTION, &named(scene, &self.user_name))])
    }

    fn is_prepared(&self) -> bool {
        true
    }

    fn prepare(&self, scene: &Scene<'_>) -> Result<Option<Preparation>, Refusal> {
        Ok(Some(Preparation::Code(self.shown(scene)?.code)))
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let Shown { owner, device, code, drift } = self.shown(scene)?;
        let last_step = claimed_step(scene, &code)?;
        let assignment = MfaAssignment { owner, enabled: draw.now(), drift };
        let device = MfaDevice {
            assignment: Some(assignment),
            last_step: Some(last_step),
            ..device.clone()
        };
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::MfaDevice(device))], NoOutput))
    }
}

/// Finds out anew how far the clock of a device is ahead or behind.
impl Operation for ResyncMFADeviceRequest {
    const ACTION: &'static str = "iam:ResyncMFADevice";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(scene, Self::ACTION, &named(scene, &self.user_name))])
    }

    fn is_prepared(&self) -> bool {
        true
    }

    fn prepare(&self, scene: &Scene<'_>) -> Result<Option<Preparation>, Refusal> {
        Ok(Some(Preparation::Code(self.shown(scene)?.code)))
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let Shown { device, code, drift, .. } = self.shown(scene)?;
        let last_step = claimed_step(scene, &code)?;
        let assignment = device.assignment.map(|held| MfaAssignment { drift, ..held });
        let device = MfaDevice { assignment, last_step: Some(last_step), ..device.clone() };
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::MfaDevice(device))], NoOutput))
    }
}

/// Takes a device from its user; it stays known, and nobody's.
impl Operation for DeactivateMFADeviceRequest {
    const ACTION: &'static str = "iam:DeactivateMFADevice";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(scene, Self::ACTION, &subject(scene, self.user_name.as_deref())?)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let (owner, _) = owner(scene, &subject(scene, self.user_name.as_deref())?)?;
        let device = find_of(scene, owner, &self.serial_number)?;
        let device = MfaDevice { assignment: None, ..device.clone() };
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::MfaDevice(device))], NoOutput))
    }
}

/// Lists the devices of a user by serial number; without a name, those of the caller, be it root.
impl Operation for ListMFADevicesRequest {
    const ACTION: &'static str = "iam:ListMFADevices";
    const EFFECT: Effect = Effect::Read;
    type Output = ListMFADevicesResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(scene, Self::ACTION, &subject(scene, self.user_name.as_deref())?)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let (owner, name) = owner(scene, &subject(scene, self.user_name.as_deref())?)?;
        let list = format!("mfa:{}:{owner:?}", scene.account.id());
        let request =
            PageRequest { list: &list, marker: self.marker.as_deref(), max_items: self.max_items };
        let page = scene.marker_key.page(request, |behind| {
            let devices = scene.account.mfa_devices().of(owner);
            let rest = devices.filter(move |device| {
                behind.as_deref().is_none_or(|behind| &*device.serial > behind)
            });
            rest.filter_map(|device| Some((device.serial.clone(), listed(device, &name)?)))
        })?;
        Ok(Planned::read(ListMFADevicesResponse {
            mfa_devices: page.items,
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        }))
    }
}

/// Shows a device of a user.
// CHOICE: any device; AWS takes the serial numbers of security keys alone, which are not built.
impl Operation for GetMFADeviceRequest {
    const ACTION: &'static str = "iam:GetMFADevice";
    const EFFECT: Effect = Effect::Read;
    type Output = GetMFADeviceResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(scene, Self::ACTION, &subject(scene, self.user_name.as_deref())?)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let (owner, name) = owner(scene, &subject(scene, self.user_name.as_deref())?)?;
        let device = find_of(scene, owner, &self.serial_number)?;
        Ok(Planned::read(GetMFADeviceResponse {
            user_name: Some(name),
            serial_number: device.serial.to_string(),
            enable_date: device.assignment.map(|assignment| assignment.enabled),
            certifications: None,
        }))
    }
}

/// Two codes that a request shows.
struct Shown<'a> {
    owner: KeyOwner,
    device: &'a MfaDevice,
    code: CodeUse,
    drift: i32,
}

/// Requests with two codes.
trait ShowsCodes {
    fn shown<'a>(&self, scene: &Scene<'a>) -> Result<Shown<'a>, Refusal>;
}

impl ShowsCodes for EnableMFADeviceRequest {
    fn shown<'a>(&self, scene: &Scene<'a>) -> Result<Shown<'a>, Refusal> {
        let (owner, _) = owner(scene, &named(scene, &self.user_name))?;
        let device = find(scene, &self.serial_number)?;
        if device.assignment.is_some() {
            // CHOICE: the text; one that is quoted in public reports, not a recorded one.
            return Err(Refusal::new(
                ErrorCode::EntityAlreadyExists,
                "MFA Device is already in use.",
            ));
        }
        let limit = quota::MFA_DEVICES_PER_USER;
        if scene.account.mfa_devices().of(owner).count() >= limit as usize {
            return Err(text::quota_exceeded("MFADevicesPerUser", limit));
        }
        let (first, second) = (&self.authentication_code1, &self.authentication_code2);
        let (code, drift) = mfa::consecutive(scene, device, first, second);
        Ok(Shown { owner, device, code, drift })
    }
}

impl ShowsCodes for ResyncMFADeviceRequest {
    fn shown<'a>(&self, scene: &Scene<'a>) -> Result<Shown<'a>, Refusal> {
        let (owner, _) = owner(scene, &named(scene, &self.user_name))?;
        let device = find_of(scene, owner, &self.serial_number)?;
        let (first, second) = (&self.authentication_code1, &self.authentication_code2);
        let (code, drift) = mfa::consecutive(scene, device, first, second);
        Ok(Shown { owner, device, code, drift })
    }
}

/// The last step of codes that were used up for this request.
///
/// # Errors
/// `InvalidAuthenticationCode` for wrong codes and for those that were used before.
fn claimed_step(scene: &Scene<'_>, code: &CodeUse) -> Result<i64, Refusal> {
    let last = code.steps.last().filter(|_| mfa::is_claimed(scene, code));
    last.copied().ok_or_else(|| {
        Refusal::new(
            ErrorCode::InvalidAuthenticationCode,
            "Authentication code for device is not valid.",
        )
    })
}

/// Whom a user name means that a request must give.
// CHOICE: root names himself by the number of his account, unless a user is called so; AWS lets root
// enable devices in the console alone.
fn named(scene: &Scene<'_>, user_name: &str) -> Subject {
    let is_root = scene.caller.identity == Identity::Root
        && user_name == scene.account.id().to_string()
        && scene.account.users().named(user_name).is_none();
    if is_root { Subject::Root } else { Subject::User(user_name.into()) }
}

fn target(scene: &Scene<'_>, action: &'static str, subject: &Subject) -> Target {
    match subject {
        Subject::Root => Target::new(action, arn::root(scene.account.id())),
        Subject::User(name) => resource::target::<User>(scene, action, name),
    }
}

/// Whose devices a request is about, and the name that answers show.
fn owner(scene: &Scene<'_>, subject: &Subject) -> Result<(KeyOwner, String), Refusal> {
    match subject {
        Subject::Root => Ok((KeyOwner::Root, user::ROOT_NAME.to_owned())),
        Subject::User(name) => {
            let user = resource::find::<User>(scene.account, name)?;
            Ok((KeyOwner::User(user.id), user.name.to_string()))
        }
    }
}

/// Whoever has a device, as lists show him.
pub(super) fn owner_as_user(scene: &Scene<'_>, owner: KeyOwner) -> Option<WireUser> {
    match owner {
        KeyOwner::Root => Some(user::root(scene.account)),
        KeyOwner::User(id) => {
            let user = scene.account.users().with_id(id)?;
            Some(user::listed(scene.account, user))
        }
    }
}

fn find<'a>(scene: &Scene<'a>, serial: &str) -> Result<&'a MfaDevice, Refusal> {
    let device = scene.account.mfa_devices().with_serial(serial);
    device.map(|device| &**device).ok_or_else(|| no_such_device(serial))
}

/// The device of this serial number, if it is this owner's.
fn find_of<'a>(scene: &Scene<'a>, owner: KeyOwner, serial: &str) -> Result<&'a MfaDevice, Refusal> {
    let device = find(scene, serial)?;
    match device.assignment {
        Some(assignment) if assignment.owner == owner => Ok(device),
        // CHOICE: the text; one that is quoted in public reports, not a recorded one.
        Some(_) | None => {
            Err(Refusal::new(ErrorCode::NoSuchEntity, "MFA Device invalid for user."))
        }
    }
}

/// `NoSuchEntity` for a serial number.
// CHOICE: the text; one that is quoted in public reports, not a recorded one.
pub(super) fn no_such_device(serial: &str) -> Refusal {
    Refusal::new(
        ErrorCode::NoSuchEntity,
        format!("VirtualMFADevice with serial number {serial} doesn't exist."),
    )
}

fn listed(device: &MfaDevice, user_name: &str) -> Option<WireMfaDevice> {
    Some(WireMfaDevice {
        user_name: user_name.to_owned(),
        serial_number: device.serial.to_string(),
        enable_date: device.assignment?.enabled,
    })
}
