//! The words for states and object types.

use crate::event::{ObjectState, ObjectType};

/// The word for a state in all reports.
pub(in crate::report) const fn object_state(state: ObjectState) -> &'static str {
    match state {
        ObjectState::Valid => "valid",
        ObjectState::Tampered => "tampered",
        ObjectState::Unverified => "unverified",
    }
}

pub(in crate::report) const fn object_type(object: ObjectType) -> &'static str {
    match object {
        ObjectType::Digest => "digest",
        ObjectType::Log => "log",
    }
}
