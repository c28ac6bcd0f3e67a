import ArgumentParser
import FoundationEssentials
import Operator
import Terminal

/// A time that a person gives: an age, or RFC 3339.
struct TimeArgument: ExpressibleByArgument, Sendable {
    /// As RFC 3339.
    let text: String

    init?(argument: String) {
        self.init(argument: argument, now: Date())
    }

    init?(argument: String, now: Date) {
        guard let text = PastTime.text(argument, now: now) else { return nil }
        self.text = text
    }
}

/// Selects letters: the parameters of the list, and the filter of a job.
struct LetterFilter: ParsableArguments, Sendable {
    @Option(help: "The service that could not handle it.") var service: String?
    @Option(help: "The operation or event.") var operation: String?
    @Option(help: "The queue that it came from.") var queue: String?
    @Option(help: "The cause, such as malformed-message.") var cause: String?
    @Option(help: "The group's id.") var group: String?
    @Option(help: "The order's id.") var order: String?
    @Option(help: "Last seen at this time or later.") var since: TimeArgument?
    @Option(help: "Last seen before this time.") var until: TimeArgument?
    @Option(help: "A header, as name:value.") var header: String?
    @Option(help: "Text in the body, 3 to 100 characters.") var text: String?

    /// Without the state.
    var parameters: [String: String] {
        [
            "service": service, "operation": operation, "queue": queue, "cause": cause, "group": group, "order": order, "since": since?.text, "until": until?.text,
            "header": header, "text": text,
        ].compactMapValues(\.self)
    }

    /// In words.
    var phrase: String { parameters.phrase(selecting: "letters") }

    var isEmpty: Bool { parameters.isEmpty }
}

enum LetterStates {
    static let help: ArgumentHelp = "The state: open, replayed, handled, discarded or all."
}
