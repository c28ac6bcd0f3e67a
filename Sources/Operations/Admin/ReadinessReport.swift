/// Whether a process can do its work, and which of its dependencies have a problem.
public struct ReadinessReport: Sendable, Equatable {
    public let isReady: Bool
    /// A line for each problem, for operators and without secrets; `ready` is the first line if the process can work.
    public let text: String

    public init(isReady: Bool, text: String) {
        self.isReady = isReady
        self.text = text
    }
}
