//! Virtual MFA devices. Source: IAM API Reference; IAM User Guide, "Assign a virtual MFA device".

use iamd_wire::iam::{
    AssignmentStatusType, CreateVirtualMFADeviceRequest, CreateVirtualMFADeviceResponse,
    DeleteVirtualMFADeviceRequest, ListVirtualMFADevicesRequest, ListVirtualMFADevicesResponse,
    User as WireUser, VirtualMFADevice,
};
use iamd_wire::{Blob, ErrorCode, NoOutput};

use super::mfa_assignment::{no_such_device, owner_as_user};
use super::qr_code;
use super::resource;
use super::tag::{KeyCase, checked_tags, shown_tags};
use crate::arn::{self, IamArn};
use crate::draw::Draw;
use crate::marker::PageRequest;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;
use crate::state::{Change, Entity, EntityKey, MfaDevice, MfaDeviceId, MfaKind};
use crate::text;
use crate::totp::{self, SEED_LENGTH};

/// Longest serial number that requests can name, in characters. IAM model, `serialNumberType`.
pub(crate) const SERIAL_LENGTH_MAX: usize = 256;

/// Creates a virtual device, which is nobody's yet; the only answer that ever shows its seed.
impl Operation for CreateVirtualMFADeviceRequest {
    const ACTION: &'static str = "iam:CreateVirtualMFADevice";
    const EFFECT: Effect = Effect::Write;
    type Output = CreateVirtualMFADeviceResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let create = Target::new(Self::ACTION, self.serial(scene));
        Ok(resource::with_request_tags(create, "iam:TagMFADevice", self.tags.as_deref()))
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let tags = checked_tags(self.tags.as_deref(), KeyCase::Counts)?;
        let serial = self.free_serial(scene)?;
        if scene.account.mfa_devices().virtual_count() >= scene.quotas.users as usize {
            // CHOICE: the name of the quota; AWS documents its value alone, that of the users.
            let limit = scene.quotas.users;
            return Err(text::quota_exceeded("VirtualMFADevicesPerAccount", limit));
        }
        let device = MfaDevice {
            serial: serial.into(),
            kind: MfaKind::Virtual,
            id: MfaDeviceId(draw.bytes()),
            seed: totp::base32(&*zeroize::Zeroizing::new(draw.bytes::<SEED_LENGTH>())),
            created: draw.now(),
            tags,
            last_step: None,
            assignment: None,
        };
        let image = qr_code::png(&self.provisioning_uri(scene, &device)).ok_or_else(|| {
            Refusal::new(ErrorCode::InvalidInput, "The name does not fit into a QR code.")
        })?;
        let shown = VirtualMFADevice {
            base32_string_seed: Some(Blob(device.seed.expose().as_bytes().to_vec())),
            qr_code_png: Some(Blob(image)),
            tags: (!device.tags.is_empty()).then(|| shown_tags(&device.tags)),
            ..bare(&device)
        };
        let output = CreateVirtualMFADeviceResponse { virtual_mfa_device: shown };
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::MfaDevice(device))], output))
    }
}

/// Lists virtual devices by serial number, with those whose they are.
impl Operation for ListVirtualMFADevicesRequest {
    const ACTION: &'static str = "iam:ListVirtualMFADevices";
    const EFFECT: Effect = Effect::Read;
    type Output = ListVirtualMFADevicesResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let shown = arn::iam(scene.account.id(), "mfa", "/", "");
        Ok(vec![Target::wildcard(Self::ACTION, Some(shown))])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let status = self.assignment_status.unwrap_or(AssignmentStatusType::Any);
        let list = format!("virtual-mfa:{}:{status:?}", scene.account.id());
        let request =
            PageRequest { list: &list, marker: self.marker.as_deref(), max_items: self.max_items };
        let page = scene.marker_key.page(request, |behind| {
            let devices = scene.account.mfa_devices().virtual_after(behind.as_deref());
            let wanted = devices.filter(move |device| match status {
                AssignmentStatusType::Any => true,
                AssignmentStatusType::Assigned => device.assignment.is_some(),
                AssignmentStatusType::Unassigned => device.assignment.is_none(),
            });
            wanted.map(|device| (device.serial.clone(), listed(scene, device)))
        })?;
        Ok(Planned::read(ListVirtualMFADevicesResponse {
            virtual_mfa_devices: page.items,
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        }))
    }
}

/// Deletes a virtual device that is nobody's.
impl Operation for DeleteVirtualMFADeviceRequest {
    const ACTION: &'static str = "iam:DeleteVirtualMFADevice";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(scene, Self::ACTION, &self.serial_number)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let device = find_virtual(scene, &self.serial_number)?;
        if device.assignment.is_some() {
            // CHOICE: the text; one that is quoted in public reports, not a recorded one.
            return Err(Refusal::new(
                ErrorCode::DeleteConflict,
                "MFA VirtualDevice in use. Must deactivate first.",
            ));
        }
        let changes = vec![Change::Remove(EntityKey::MfaDevice(device.serial.clone()))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// The steps of creating a device.
trait Steps {
    fn serial(&self, scene: &Scene<'_>) -> String;
    fn free_serial(&self, scene: &Scene<'_>) -> Result<String, Refusal>;
    fn provisioning_uri(&self, scene: &Scene<'_>, device: &MfaDevice)
    -> zeroize::Zeroizing<String>;
}

impl Steps for CreateVirtualMFADeviceRequest {
    fn serial(&self, scene: &Scene<'_>) -> String {
        let path = self.path.as_deref().unwrap_or("/");
        arn::iam(scene.account.id(), "mfa", path, &self.virtual_mfa_device_name)
    }

    fn free_serial(&self, scene: &Scene<'_>) -> Result<String, Refusal> {
        let serial = self.serial(scene);
        if serial.len() > SERIAL_LENGTH_MAX {
            // CHOICE: the text is ours; no request could name such a device.
            return Err(Refusal::new(
                ErrorCode::InvalidInput,
                format!("The serial number {serial} has more than {SERIAL_LENGTH_MAX} characters."),
            ));
        }
        match scene.account.mfa_devices().with_serial(&serial) {
            Some(_) => Err(Refusal::new(
                ErrorCode::EntityAlreadyExists,
                "MFADevice entity at the same path and name already exists.",
            )),
            None => Ok(serial),
        }
    }

    /// What a QR code tells the program that becomes the device.
    ///
    /// Source: IAM API Reference, VirtualMFADevice, `QRCodePNG`.
    // CHOICE: a device that is nobody's has no user name; the alias of the account, or its number.
    fn provisioning_uri(
        &self,
        scene: &Scene<'_>,
        device: &MfaDevice,
    ) -> zeroize::Zeroizing<String> {
        let alias = scene.account.settings().and_then(|settings| settings.alias.as_deref());
        let account = alias.map_or_else(|| scene.account.id().to_string(), str::to_owned);
        let (name, seed) = (&self.virtual_mfa_device_name, device.seed.expose());
        zeroize::Zeroizing::new(format!("otpauth://totp/{name}@{account}?secret={seed}"))
    }
}

/// The target of an action on the device with this serial number, whether it exists or not.
pub(super) fn target(scene: &Scene<'_>, action: &'static str, serial: &str) -> Target {
    let resource = match IamArn::parse(serial) {
        Some(_) => serial.to_owned(),
        None => arn::iam(scene.account.id(), "mfa", "/", serial),
    };
    let mut target = Target::new(action, resource);
    if let Some(device) = scene.account.mfa_devices().with_serial(serial) {
        resource::add_resource_tags(&mut target.context, &device.tags);
    }
    target
}

/// The virtual device with this serial number.
///
/// # Errors
/// `NoSuchEntity`; hardware is neither deleted nor tagged.
pub(super) fn find_virtual<'a>(scene: &Scene<'a>, serial: &str) -> Result<&'a MfaDevice, Refusal> {
    let device = scene.account.mfa_devices().with_serial(serial).map(|device| &**device);
    let device = device.filter(|device| device.kind == MfaKind::Virtual);
    device.ok_or_else(|| no_such_device(serial))
}

fn bare(device: &MfaDevice) -> VirtualMFADevice {
    VirtualMFADevice {
        serial_number: device.serial.to_string(),
        base32_string_seed: None,
        qr_code_png: None,
        user: None,
        enable_date: None,
        tags: None,
    }
}

/// A device as lists show it: with its user, without tags.
fn listed(scene: &Scene<'_>, device: &MfaDevice) -> VirtualMFADevice {
    let user = |assignment| -> Option<WireUser> { owner_as_user(scene, assignment) };
    VirtualMFADevice {
        user: device.assignment.and_then(|assignment| user(assignment.owner)),
        enable_date: device.assignment.map(|assignment| assignment.enabled),
        ..bare(device)
    }
}
