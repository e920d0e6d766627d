//! Who takes part in a group, and when.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use base::{Instant, Timestamp};

macro_rules! text_id {
    ($(#[doc = $doc:literal])+ $name:ident) => {
        $(#[doc = $doc])+
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn new(text: &str) -> Self {
                Self(text.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }

            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }
    };
}

text_id! {
    /// Name of a group (`group.id`). Offsets may be committed under the empty name, as in Kafka; nobody can join it.
    GroupId
}
text_id! {
    /// One life of one member. The empty id is that of a client which has none yet.
    MemberId
}
text_id! {
    /// Name under which a static member comes back after a restart (`group.instance.id`).
    InstanceId
}

/// Version of a group (its generation) or of a member. From 0; below it are the signs that a member gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub i32);

impl Epoch {
    pub const ZERO: Self = Self(0);
    /// A member says that it leaves; a committer says that it is no member.
    pub const NONE: Self = Self(-1);
    /// A static member leaves for a while.
    pub const AWAY: Self = Self(-2);

    /// Wraps to 1 at the end of the numbers: 0 would look like a member that joins.
    #[must_use]
    pub const fn next(self) -> Self {
        if self.0 == i32::MAX { Self(1) } else { Self(self.0 + 1) }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A request that waits for its answer, named by the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// Records that are to be appended together. Later ones have greater numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(pub u64);

/// The time of an event: by the clock that measures, and by the calendar that records carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    pub instant: Instant,
    pub wall: Timestamp,
}

/// Bytes that the coordinator keeps and gives back without looking inside, or nearly so.
pub type Blob = Arc<[u8]>;
