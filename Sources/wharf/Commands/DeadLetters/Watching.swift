import ArgumentParser
import FoundationEssentials
import Messaging
import Operator
import Runtime
import Terminal

extension DeadLettersCommand {
    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Prints letters as they arrive; Ctrl-C stops it.")

        @OptionGroup(title: "Filter") var filter: LetterFilter

        func run() async throws {
            let parameters = filter.parameters
            try await ShellRequests.run("dead-letters") { shell in
                var arrivals = LetterArrivals(parameters: parameters, from: shell.clock.now())
                while true {
                    do {
                        let text = try await arrivals.next(shell).map { $0.line + "\n" }.joined()
                        guard text.isEmpty || Console.print(text) else { return }
                    } catch is RequestClient.Unanswered {
                        // The shop is unavailable: letters that arrive meanwhile are found afterwards.
                    }
                    try await shell.clock.sleep(for: LetterArrivals.pause)
                }
            }
        }
    }
}

/// Letters that have arrived or returned since the last query.
struct LetterArrivals: Sendable {
    static let pause: Duration = .seconds(2)
    /// The newest letters of one query: as many as a person can read.
    static let maximum = 500

    private let parameters: [String: String]
    private var newest: Date
    /// Letters with the newest time, which the next query returns again.
    private var known: Set<String> = []

    init(parameters: [String: String], from start: Date) {
        self.parameters = parameters
        newest = start
    }

    /// Oldest first.
    mutating func next(_ requests: any OperatorRequests) async throws -> [Letter] {
        var found: [Letter] = []
        var cursor: String?
        repeat {
            var query = parameters.merging(["since": newest.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)), "state": "open", "limit": "100"]) { $1 }
            query["cursor"] = cursor
            let page = try await requests.get(Listed<Letter>.self, "deadletters.letters.list", query)
            found += page.items.filter { $0.lastSeenAt > newest || $0.lastSeenAt == newest && !known.contains($0.id) }
            cursor = page.nextCursor
        } while cursor != nil && found.count < Self.maximum
        guard let latest = found.map(\.lastSeenAt).max() else { return [] }
        known = Set(found.filter { $0.lastSeenAt == latest }.map(\.id)).union(latest == newest ? known : [])
        newest = latest
        return found.sorted { ($0.lastSeenAt, $0.id) < ($1.lastSeenAt, $1.id) }
    }
}

extension Letter {
    /// The letter on one line.
    var line: String {
        let order = (orderNumber ?? orderId).map { "  \($0)" } ?? ""
        return "\(lastSeenAt.ISO8601Format())  \(id)  \(operation ?? queue)\(order)  \(cause): \(detail)".printable
    }
}
