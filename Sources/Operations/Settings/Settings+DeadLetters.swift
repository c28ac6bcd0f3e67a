public import FoundationEssentials
public import Secrets

// What happens to dead letters without an operator: nothing by default.

extension Settings {
    public struct DeadLetters: Sendable {
        /// Letters with these causes are replayed automatically.
        public let replayCauses: [String]
        /// Letters in these groups are replayed automatically.
        public let replayGroups: [UUID]
        public let replayAfterMinutes: Int
        public let replayTimes: Int
        /// The webhook that alerts are sent to; nil for none.
        public let alertURL: String?
        public let alertSecret: Secret?
        /// The command that is run for each alert; nil for none.
        public let alertCommand: String?
        /// Deaths a minute; 0 for no alerts about rates.
        public let alertRate: Int

        private static let secretName = "WHARF_DEAD_LETTER_ALERT_SECRET"
        private static let shortestSecret = 16

        init(_ table: inout SettingsReader, _ plainText: PlainTextHosts) throws(SettingError) {
            replayCauses =
                try table.read(
                    "WHARF_DEAD_LETTER_REPLAY_CAUSES", .causes, unset: "none", "causes whose dead letters are replayed automatically, separated by commas") ?? []
            replayGroups =
                try table.read("WHARF_DEAD_LETTER_REPLAY_GROUPS", .groups, unset: "none", "groups whose dead letters are replayed automatically, by id, separated by commas") ?? []
            replayAfterMinutes = try table.read(
                "WHARF_DEAD_LETTER_REPLAY_AFTER_MINUTES", .count(1...1440), standard: 10, "minutes that the oldest letter of such a cause or group waits before the replay")
            replayTimes = try table.read(
                "WHARF_DEAD_LETTER_REPLAY_TIMES", .count(1...20), standard: 3, "maximum automatic replays a day for one group, or for one cause in one queue")
            alertURL = try table.read("WHARF_DEAD_LETTER_ALERT_URL", .api(plainText), unset: "no webhook", "the webhook that receives alerts about dead letters", .url)
            alertCommand = try table.read(
                "WHARF_DEAD_LETTER_ALERT_COMMAND", .executable, unset: "no command", "the executable that receives each alert about dead letters as JSON on its standard input")
            alertSecret = try table.secret(Self.secretName, "the key that alerts are signed with")
            alertRate = try table.read("WHARF_DEAD_LETTER_ALERT_RATE", .count(0...1_000_000), standard: 0, "deaths per minute of one cause that cause an alert; 0 for none")
            if let alertSecret, alertSecret.exposed.utf8.count < Self.shortestSecret { throw Self.secretError("it is too short") }
            if alertURL != nil, alertSecret == nil { throw Self.secretError("WHARF_DEAD_LETTER_ALERT_URL is set, so alerts must be signed") }
        }

        private static func secretError(_ reason: String) -> SettingError {
            SettingError(name: secretName, given: Redaction.shown("", .secret), reason: reason, accepted: "at least \(shortestSecret) visible ASCII characters without white space")
        }
    }
}
