//! What this broker speaks.

use wire::ErrorCode;
use wire::kafka::advertised_versions;
use wire::kafka::api_versions::{ApiVersionsRequest, ApiVersionsResponse};

use super::{Answered, RequestId};

/// Clients of before 2.2 of librdkafka misread features, so none are named before the version that clients of features
/// use; we have none to name either.
pub(super) fn answer(id: RequestId, request: &ApiVersionsRequest) -> Answered {
    let named = id.version >= 3;
    if named && !(is_software_name(&request.client_software_name) && is_software_name(&request.client_software_version))
    {
        return id.answer(&ApiVersionsResponse {
            error_code: ErrorCode::InvalidRequest.code(),
            api_keys: advertised_versions(),
            ..ApiVersionsResponse::default()
        });
    }
    id.answer(&ApiVersionsResponse { api_keys: advertised_versions(), ..ApiVersionsResponse::default() })
}

/// A client that asks in a version that is too new gets version 0 and asks again (KIP-511).
pub(super) fn unsupported(correlation: i32) -> Answered {
    RequestId { version: 0, correlation }.answer(&ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion.code(),
        api_keys: advertised_versions(),
        ..ApiVersionsResponse::default()
    })
}

/// KIP-511: letters, digits, dots and dashes, with a letter or digit at both ends.
fn is_software_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = bytes.first().into_iter().chain(bytes.last()).all(u8::is_ascii_alphanumeric);
    !bytes.is_empty() && ends && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_names_follow_kip_511() {
        for good in ["apache-kafka-java", "librdkafka", "2.4.0", "a"] {
            assert!(is_software_name(good), "{good}");
        }
        for bad in ["", "-a", "a.", "a b", "ä", "a/b"] {
            assert!(!is_software_name(bad), "{bad}");
        }
    }
}
