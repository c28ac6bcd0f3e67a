import Messaging

/// An operator's decisions about letters.
package enum LetterDecision: String, Sendable {
    case replay, discard, restore

    package var operation: String { "deadletters.letters.\(rawValue)" }
    package var durability: Durability { self == .replay ? .durable : .command }
    /// The state of the letters to which it applies.
    package var from: String { self == .restore ? "discarded" : "open" }

    package var done: String {
        switch self {
        case .replay: "replayed"
        case .discard: "discarded"
        case .restore: "restored"
        }
    }
}

/// The letters on which a job with a filter would act.
package struct JobPreview: Decodable, Sendable, Equatable {
    package struct Cause: Decodable, Sendable, Equatable {
        package let cause: String
        package let queue: String?
        package let count: Int
    }

    package let selected: Int
    package let orders: Int
    package let byCause: [Cause]
    /// True if there may be more letters and orders.
    package let atLeast: Bool?
}
