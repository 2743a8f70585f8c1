//! What is known of a request before it is carried out.

use std::borrow::Cow;
use std::net::IpAddr;

use iamd_wire::query::Parameters;
use iamd_wire::shown::{self, Shown};
use iamd_wire::{OperationInfo, Service};
use serde::Serialize;

use crate::account_id::AccountId;
use crate::caller::Caller;
use crate::operation::Environment;

/// The source of events that the operator makes.
// CHOICE: AWS has no operator; the form is that of a service's name.
pub const OPERATOR_SOURCE: &str = "operator.iamd";

/// The source of events that iamd makes itself.
const SERVER_SOURCE: &str = "iamd";

/// The region of IAM's events, whatever region they were signed for.
const GLOBAL_REGION: &str = "us-east-1";

/// A request, or a deed of the operator.
#[derive(Debug, Clone)]
pub struct Event {
    /// Who asks.
    pub actor: Actor,
    /// The service, such as `iam.amazonaws.com`.
    pub source: &'static str,
    /// The operation, such as `CreateUser`.
    pub name: Cow<'static, str>,
    /// The region that was asked.
    pub region: Cow<'static, str>,
    /// Address of the client.
    pub source_ip: Option<IpAddr>,
    /// The header `User-Agent`.
    pub user_agent: Option<Box<str>>,
    /// The parameters.
    pub parameters: Option<Shown>,
    /// The id that the answer carries.
    pub request_id: Box<str>,
    /// Whether the operation only reads.
    pub is_read: bool,
    /// What a request to a guarded service is about; none for requests to iamd.
    pub guarded: Option<Box<Guarded>>,
}

/// What a request to a guarded service was about, and what was decided of it.
#[derive(Debug, Clone)]
pub struct Guarded {
    /// Whether it concerns what a resource holds, and not the resource itself.
    pub is_data: bool,
    /// The resources.
    pub resources: Vec<GuardedResource>,
    /// What else is known, as a JSON object.
    pub additional: String,
}

/// A resource of a guarded service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardedResource {
    /// Its type, such as `AWS::S3::Object`.
    pub kind: &'static str,
    /// Its ARN.
    pub arn: String,
    /// The account that owns it.
    pub account: Option<AccountId>,
}

/// Who asks.
#[derive(Debug, Clone)]
pub enum Actor {
    /// An authenticated caller.
    Caller(Requester),
    /// Nobody in particular: the request is not signed.
    Stranger,
    /// Whoever may open the operator's socket or the data folder.
    Operator,
    /// iamd itself.
    Server,
}

/// A caller with the id of the key that he signed with.
#[derive(Debug, Clone)]
pub struct Requester {
    /// Who he is.
    pub caller: Caller,
    /// The access key id of his signature.
    pub access_key_id: Box<str>,
}

impl Event {
    /// A request to the API.
    pub fn request(
        requester: Requester,
        environment: Environment,
        (operation, parameters): (&'static OperationInfo, &Parameters<'_>),
        request_id: &str,
        is_read: bool,
    ) -> Event {
        let (source, region) = match operation.service {
            Service::Iam => ("iam.amazonaws.com", Cow::Borrowed(GLOBAL_REGION)),
            Service::Sts => ("sts.amazonaws.com", Cow::Owned(environment.region.into())),
        };
        Event {
            actor: Actor::Caller(requester),
            source,
            name: Cow::Borrowed(operation.name),
            region,
            source_ip: environment.source_ip,
            user_agent: environment.user_agent,
            parameters: shown::parameters(parameters, operation),
            request_id: request_id.into(),
            is_read,
            guarded: None,
        }
    }

    /// A deed of the operator that writes, such as `CreateAccount`. What `parameters` holds is shown:
    /// it must hold no secret.
    pub fn operator<P: Serialize>(name: &'static str, parameters: &P, request_id: &str) -> Event {
        Event {
            actor: Actor::Operator,
            source: OPERATOR_SOURCE,
            name: Cow::Borrowed(name),
            region: Cow::Borrowed(GLOBAL_REGION),
            source_ip: None,
            user_agent: None,
            parameters: serde_json::to_string(parameters).ok().and_then(Shown::of_json),
            request_id: request_id.into(),
            is_read: false,
            guarded: None,
        }
    }

    /// What iamd says of its own trail: that so many records found no place.
    pub fn lost_records(count: u64, request_id: &str) -> Event {
        let parameters = serde_json::json!({"lost": count});
        Event {
            actor: Actor::Server,
            source: SERVER_SOURCE,
            ..Event::operator("LostAuditRecords", &parameters, request_id)
        }
    }

    /// What iamd says of its own store: that it ends at an earlier record of an account than the
    /// trail, because an older version of it was put back.
    pub fn store_went_back(trail: u64, store: u64, request_id: &str) -> Event {
        let parameters = serde_json::json!({"recordInTrail": trail, "recordInStore": store});
        Event {
            actor: Actor::Server,
            source: SERVER_SOURCE,
            ..Event::operator("StoreWentBack", &parameters, request_id)
        }
    }

    /// What iamd says when everything of an account is sealed under this data key, and nothing under
    /// an older one.
    pub fn sealed_anew(key: u32, request_id: &str) -> Event {
        let parameters = serde_json::json!({"kind": "data", "id": key.to_string()});
        Event {
            actor: Actor::Server,
            source: SERVER_SOURCE,
            ..Event::operator("RotateKey", &parameters, request_id)
        }
    }
}
