//! What commands do to things, and whether that is what happened.

/// What a command does to one thing.
#[derive(Clone, Debug)]
pub(super) struct Effect {
    pub(super) key: String,
    pub(super) after: After,
}

/// How a thing is afterwards.
#[derive(Clone, Debug)]
pub(super) enum After {
    /// Like this, or not there.
    Is(Option<String>),
    /// One access key more.
    KeyAdded,
    /// Without this key.
    KeyRemoved(String),
    /// With this key in this status.
    KeyStatus(String, &'static str),
    /// With another version, in force.
    VersionAdded,
    /// With this version in force.
    DefaultIs(String),
}

impl Effect {
    /// Whether `new` is what this makes of `old`.
    pub(super) fn fits(&self, old: Option<&str>, new: Option<&str>) -> bool {
        let parts = |text: Option<&str>| -> Vec<String> {
            text.into_iter().flat_map(|text| text.split(',')).map(str::to_owned).collect()
        };
        let (before, now) = (parts(old), parts(new));
        match &self.after {
            After::Is(value) => new == value.as_deref(),
            After::KeyAdded => {
                now.len() == before.len() + 1 && before.iter().all(|key| now.contains(key))
            }
            After::KeyRemoved(id) => {
                let kept: Vec<String> =
                    before.into_iter().filter(|key| !key.starts_with(id.as_str())).collect();
                kept == now
            }
            After::KeyStatus(id, status) => {
                let changed = |key: String| match key.split_once(':') {
                    Some((of, _)) if of == id => format!("{id}:{status}"),
                    _ => key,
                };
                before.into_iter().map(changed).collect::<Vec<_>>() == now
            }
            After::VersionAdded => {
                let Some((_, next, count)) = versions(old) else { return false };
                versions(new) == Some((next, next + 1, count + 1))
            }
            After::DefaultIs(wanted) => {
                let Some((_, next, count)) = versions(old) else { return false };
                versions(new) == wanted.parse().ok().map(|wanted: u32| (wanted, next, count))
            }
        }
    }
}

/// The version in force, the next one, and how many there are.
fn versions(text: Option<&str>) -> Option<(u32, u32, u32)> {
    let mut numbers = text?.split('/').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}
