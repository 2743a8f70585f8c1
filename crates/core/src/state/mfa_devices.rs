//! The devices of an account that show one-time codes.

use std::ops::Bound;
use std::sync::Arc;

use super::entity::KeyOwner;
use super::sign_in::{MfaDevice, MfaKind};

/// Devices by serial number, and whose they are; copies share what they have in common.
#[derive(Debug, Clone, Default)]
pub struct MfaDevices {
    virtual_ones: imbl::OrdMap<Box<str>, Arc<MfaDevice>>,
    hardware: imbl::OrdMap<Box<str>, Arc<MfaDevice>>,
    // The rest follows from the above.
    of_owner: imbl::HashMap<KeyOwner, imbl::OrdSet<Box<str>>>,
}

impl MfaDevices {
    /// The device with this serial number.
    pub fn with_serial(&self, serial: &str) -> Option<&Arc<MfaDevice>> {
        self.virtual_ones.get(serial).or_else(|| self.hardware.get(serial))
    }

    /// All, in use or not: the virtual ones first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<MfaDevice>> {
        self.virtual_ones.values().chain(self.hardware.values())
    }

    /// The devices of a user or of root, by serial number.
    pub fn of(&self, owner: KeyOwner) -> impl Iterator<Item = &Arc<MfaDevice>> {
        let serials = self.of_owner.get(&owner);
        serials.into_iter().flatten().filter_map(|serial| self.with_serial(serial))
    }

    /// Whether a user or root has any.
    pub fn has_any(&self, owner: KeyOwner) -> bool {
        self.of_owner.contains_key(&owner)
    }

    /// The virtual devices behind this serial number, found by seeking.
    pub fn virtual_after<'a>(
        &'a self,
        serial: Option<&str>,
    ) -> impl Iterator<Item = &'a Arc<MfaDevice>> + use<'a> {
        let from = serial.map_or(Bound::Unbounded, Bound::Excluded);
        self.virtual_ones.range::<_, str>((from, Bound::Unbounded)).map(|(_, device)| device)
    }

    /// How many virtual devices there are.
    pub fn virtual_count(&self) -> usize {
        self.virtual_ones.len()
    }

    /// How many hardware devices are known, in use or not.
    pub fn hardware_count(&self) -> usize {
        self.hardware.len()
    }

    /// How many devices are somebody's, and how many of these are hardware.
    pub fn assigned_counts(&self) -> (usize, usize) {
        let serials = || self.of_owner.values().flatten();
        (serials().count(), serials().filter(|serial| self.hardware.contains_key(*serial)).count())
    }

    pub(super) fn put(&mut self, device: &MfaDevice) {
        self.remove(&device.serial);
        if let Some(assignment) = device.assignment {
            self.of_owner.entry(assignment.owner).or_default().insert(device.serial.clone());
        }
        let all = match device.kind {
            MfaKind::Virtual => &mut self.virtual_ones,
            MfaKind::Hardware => &mut self.hardware,
        };
        all.insert(device.serial.clone(), Arc::new(device.clone()));
    }

    pub(super) fn remove(&mut self, serial: &str) {
        let old = self.virtual_ones.remove(serial).or_else(|| self.hardware.remove(serial));
        let Some(owner) = old.and_then(|old| old.assignment).map(|old| old.owner) else { return };
        let Some(serials) = self.of_owner.get_mut(&owner) else { return };
        serials.remove(serial);
        if serials.is_empty() {
            self.of_owner.remove(&owner);
        }
    }
}
