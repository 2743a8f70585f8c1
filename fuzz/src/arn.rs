//! ARNs, of any service and of IAM.

use iamd_core::arn::IamArn;
use iamd_policy::Arn;

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let arn = Arn::parse(text);
    if let Some(arn) = &arn {
        let Arn { partition, service, region, account, resource } = arn;
        let joined = format!("arn:{partition}:{service}:{region}:{account}:{resource}");
        assert_eq!(joined, text, "the fields are not the text");
        assert!(arn.owner().is_none_or(|owner| owner == *account), "an owner who is not named");
    }
    if let Some(iam) = IamArn::parse(text) {
        assert_eq!(arn.map(|arn| (arn.service, arn.account)), Some(("iam", iam.account)));
        let IamArn { account, resource_type, path, name } = iam;
        let joined = format!("arn:aws:iam::{account}:{resource_type}{path}{name}");
        assert_eq!(joined, text, "the fields are not the text");
        assert!(path.starts_with('/') && path.ends_with('/') && !name.contains('/'));
    }
}
