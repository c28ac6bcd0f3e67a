import Messaging

/// An operator's decisions about letters.
package enum LetterDecision: String, Sendable {
    case replay, discard, restore

    package var operation: String { "deadletters.letters.\(rawValue)" }
    package var durability: Durability { self == .replay ? .durable : .command }
    /// The state of the letters that it applies to.
    package var from: String { self == .restore ? "discarded" : "open" }

    package var done: String {
        switch self {
        case .replay: "replayed"
        case .discard: "discarded"
        case .restore: "restored"
        }
    }
}

/// What a job on all letters that a filter selects would act on.
package struct JobPreview: Decodable, Sendable, Equatable {
    package struct Cause: Decodable, Sendable, Equatable {
        package let cause: String
        package let queue: String?
        package let count: Int
    }

    package let selected: Int
    package let orders: Int
    package let byCause: [Cause]
    /// Whether there may be more letters and orders.
    package let atLeast: Bool?
}
