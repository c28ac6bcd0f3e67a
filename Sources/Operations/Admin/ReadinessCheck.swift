/// Something that this process needs to do its work.
public struct ReadinessCheck: Sendable {
    public let name: String
    let problem: @Sendable () async -> String?

    /// - Parameter problem: nil when all is well, else what is wrong, for people and without secrets. It has two seconds, then it is
    ///     cancelled, and the answer waits until it heeds that.
    public init(_ name: String, problem: @escaping @Sendable () async -> String?) {
        self.name = name
        self.problem = problem
    }
}
