public import FoundationEssentials

/// What happens to dead letters without an operator. Nothing by default.
public struct DeadLetterRules: Sendable {
    /// Letters of these causes and groups are replayed automatically.
    public struct Replay: Sendable {
        public let causes: [String]
        public let groups: [UUID]
        /// The time that the oldest letter of a group, or of a cause in a queue, waits before a replay.
        public let afterMinutes: Int
        /// The maximum number of replays within ``AutomaticReplay/span`` for one group, or for one cause in one queue.
        public let times: Int

        public init(causes: [String], groups: [UUID] = [], afterMinutes: Int, times: Int) {
            self.causes = causes
            self.groups = groups
            self.afterMinutes = afterMinutes
            self.times = times
        }
    }

    /// Operators are notified of new causes and of high rates, by a webhook, a command, or both.
    public struct Alert: Sendable {
        public struct Webhook: Sendable {
            public let url: String
            /// The key of the signature, read again for each alert.
            public let secret: @Sendable () -> String

            public init(url: String, secret: @autoclosure @escaping @Sendable () -> String) {
                self.url = url
                self.secret = secret
            }
        }

        /// Runs the command with an alert on its standard input. Returns nil if it succeeded, otherwise what went wrong.
        public typealias Command = @Sendable (_ alert: String) async -> String?

        public let webhook: Webhook?
        public let command: Command?
        /// Deaths per minute of one cause in one queue that cause an alert; 0 for none.
        public let rate: Int

        /// - Parameter command: Must end within a few seconds.
        public init(webhook: Webhook? = nil, command: Command? = nil, rate: Int) {
            self.webhook = webhook
            self.command = command
            self.rate = rate
        }
    }

    public let replay: Replay?
    public let alert: Alert?

    public init(replay: Replay? = nil, alert: Alert? = nil) {
        self.replay = replay
        self.alert = alert
    }
}
