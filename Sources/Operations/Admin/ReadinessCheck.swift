/// Something that this process needs to do its work.
public struct ReadinessCheck: Sendable {
    public let name: String
    /// Whether the process cannot do its work without it. What is not required is told where it is amiss, and takes nothing out of service.
    public let isRequired: Bool
    let problem: @Sendable () async -> String?

    /// - Parameter problem: nil when all is well, else what is wrong, for people and without secrets. After two seconds it counts as
    ///     failed; it is not begun again before it comes back.
    public init(_ name: String, isRequired: Bool = true, problem: @escaping @Sendable () async -> String?) {
        self.name = name
        self.isRequired = isRequired
        self.problem = problem
    }
}
