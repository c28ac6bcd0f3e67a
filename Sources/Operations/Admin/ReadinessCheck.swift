/// A dependency that this process needs to do its work.
public struct ReadinessCheck: Sendable {
    public let name: String
    /// Whether the process cannot work without it. A failed check that is not required is reported, and takes nothing out of service.
    public let isRequired: Bool
    let problem: @Sendable () async -> String?

    /// - Parameter problem: nil when all is well, otherwise the fault, for operators and without secrets. After two seconds it counts as
    ///     failed; it is not started again before it returns.
    public init(_ name: String, isRequired: Bool = true, problem: @escaping @Sendable () async -> String?) {
        self.name = name
        self.isRequired = isRequired
        self.problem = problem
    }
}
