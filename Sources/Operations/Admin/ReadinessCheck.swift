/// Something that this process needs to do its work.
public struct ReadinessCheck: Sendable {
    public let name: String
    /// Whether the process cannot do its work without it. What is not required is told where it is amiss, and takes nothing out of service.
    public let isRequired: Bool
    let problem: @Sendable () async -> String?

    /// - Parameter problem: nil when all is well, else what is wrong, for people and without secrets. It has two seconds, then it is
    ///     cancelled, and the answer waits until it heeds that.
    public init(_ name: String, isRequired: Bool = true, problem: @escaping @Sendable () async -> String?) {
        self.name = name
        self.isRequired = isRequired
        self.problem = problem
    }
}
