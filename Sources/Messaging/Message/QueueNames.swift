/// What the name of a queue shows about it.
public enum QueueNames {
    private static let ofProcesses = ["\(Exchange.replies).", "\(Exchange.events)."]
    /// Rungs of the retry ladder.
    public static let rungPrefix = "retry."

    public static func isRung(_ name: String) -> Bool { name.hasPrefix(rungPrefix) }

    /// Returns true for reply and event queues, which exist as long as one process.
    public static func isOfProcess(_ name: String) -> Bool { ofProcesses.contains { name.hasPrefix($0) } }
}
