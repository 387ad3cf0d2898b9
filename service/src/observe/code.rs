//! How a request ended, in the canonical codes that gRPC and TensorFlow Serving share; an HTTP status says which.

/// The codes' names, by their numbers: as metrics have them, and as the specifications write them.
const NAMES: [(&str, &str); 17] = [
    ("ok", "OK"),
    ("cancelled", "CANCELLED"),
    ("unknown", "UNKNOWN"),
    ("invalid_argument", "INVALID_ARGUMENT"),
    ("deadline_exceeded", "DEADLINE_EXCEEDED"),
    ("not_found", "NOT_FOUND"),
    ("already_exists", "ALREADY_EXISTS"),
    ("permission_denied", "PERMISSION_DENIED"),
    ("resource_exhausted", "RESOURCE_EXHAUSTED"),
    ("failed_precondition", "FAILED_PRECONDITION"),
    ("aborted", "ABORTED"),
    ("out_of_range", "OUT_OF_RANGE"),
    ("unimplemented", "UNIMPLEMENTED"),
    ("internal", "INTERNAL"),
    ("unavailable", "UNAVAILABLE"),
    ("data_loss", "DATA_LOSS"),
    ("unauthenticated", "UNAUTHENTICATED"),
];

/// A canonical code: <https://grpc.io/docs/guides/status-codes/>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Code(u8);

impl Code {
    pub(crate) const OK: Code = Code(0);
    pub(crate) const CANCELLED: Code = Code(1);
    pub(crate) const UNKNOWN: Code = Code(2);
    pub(crate) const INVALID_ARGUMENT: Code = Code(3);
    pub(crate) const DEADLINE_EXCEEDED: Code = Code(4);
    pub(crate) const NOT_FOUND: Code = Code(5);
    pub(crate) const PERMISSION_DENIED: Code = Code(7);
    pub(crate) const RESOURCE_EXHAUSTED: Code = Code(8);
    pub(crate) const FAILED_PRECONDITION: Code = Code(9);
    pub(crate) const ABORTED: Code = Code(10);
    pub(crate) const UNIMPLEMENTED: Code = Code(12);
    pub(crate) const INTERNAL: Code = Code(13);
    pub(crate) const UNAVAILABLE: Code = Code(14);
    pub(crate) const DATA_LOSS: Code = Code(15);
    pub(crate) const UNAUTHENTICATED: Code = Code(16);

    /// How many there are.
    pub(crate) const COUNT: usize = NAMES.len();

    /// All of them, in the order of their numbers.
    pub(crate) fn all() -> impl Iterator<Item = Code> {
        (0..NAMES.len() as u8).map(Code)
    }

    /// The code of that number; a number that is none is `unknown`, as gRPC has it.
    pub(crate) fn from_number(number: u8) -> Code {
        if usize::from(number) < NAMES.len() { Code(number) } else { Code::UNKNOWN }
    }

    /// What an HTTP status says, by the table of `google.rpc.Code` and, where that has no row, by the status' own meaning.
    pub(crate) fn from_http(status: u16) -> Code {
        match status {
            0..=399 => Code::OK,
            401 => Code::UNAUTHENTICATED,
            403 => Code::PERMISSION_DENIED,
            404 | 410 => Code::NOT_FOUND,
            405 | 501 => Code::UNIMPLEMENTED,
            408 | 504 => Code::DEADLINE_EXCEEDED,
            409 => Code::ABORTED,
            412 | 424 => Code::FAILED_PRECONDITION,
            429 => Code::RESOURCE_EXHAUSTED,
            499 => Code::CANCELLED,
            400..=499 => Code::INVALID_ARGUMENT,
            503 => Code::UNAVAILABLE,
            500..=599 => Code::INTERNAL,
            600.. => Code::UNKNOWN,
        }
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    /// `resource_exhausted`.
    pub(crate) fn name(self) -> &'static str {
        NAMES[self.index()].0
    }

    /// `RESOURCE_EXHAUSTED`.
    pub(crate) fn upper(self) -> &'static str {
        NAMES[self.index()].1
    }

    /// Whether a server's span of it has the status of an error: what corresponds to HTTP's 5xx.
    #[cfg(feature = "otlp")]
    pub(crate) fn is_server_error(self) -> bool {
        self.is_fault() || matches!(self, Code::DEADLINE_EXCEEDED | Code::UNIMPLEMENTED | Code::UNAVAILABLE)
    }

    /// Whether it is the service's own fault.
    pub(crate) fn is_fault(self) -> bool {
        matches!(self, Code::UNKNOWN | Code::INTERNAL | Code::DATA_LOSS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_mean_what_google_rpc_code_says() {
        // `google/rpc/code.proto`: the HTTP mapping of each code, and its number.
        for (status, name, number) in [
            (200, "OK", 0),
            (499, "CANCELLED", 1),
            (400, "INVALID_ARGUMENT", 3),
            (504, "DEADLINE_EXCEEDED", 4),
            (404, "NOT_FOUND", 5),
            (403, "PERMISSION_DENIED", 7),
            (401, "UNAUTHENTICATED", 16),
            (429, "RESOURCE_EXHAUSTED", 8),
            (409, "ABORTED", 10),
            (501, "UNIMPLEMENTED", 12),
            (500, "INTERNAL", 13),
            (503, "UNAVAILABLE", 14),
        ] {
            let code = Code::from_http(status);
            assert_eq!((code.upper(), code), (name, Code::from_number(number)), "{status}");
            assert_eq!(code.name().to_uppercase(), name);
        }
        assert_eq!(Code::from_number(99), Code::UNKNOWN);
    }
}
