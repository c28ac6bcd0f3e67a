import Logging

#if canImport(Glibc)
    import Glibc
#endif

/// The file descriptors that a process may have open: beyond them connections are neither accepted nor refused, without any error.
struct DescriptorLimit: Equatable {
    /// For everything except clients' connections: broker, metrics, logs, files.
    static let reserve = 256
    /// An ingress that can accept fewer connections than this is of no use.
    static let minimumConnections = 64

    /// The current limit, and the maximum it may be raised to.
    var soft: Int
    var hard: Int

    /// The limit for this many connections, and how many it allows for.
    func plan(for wanted: Int) -> (soft: Int, connections: Int) {
        let needed = wanted + Self.reserve
        if soft >= needed { return (soft, wanted) }
        let raised = max(soft, min(hard, needed))
        return (raised, min(wanted, max(raised - Self.reserve, Self.minimumConnections)))
    }

    /// Raises the process's limit as far as `wanted` connections need; returns how many it may have, which is logged where it is fewer.
    static func connections(wanted: Int, _ logger: Logger) -> Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return wanted }
        let given = DescriptorLimit(soft: Int(clamping: limit.rlim_cur), hard: Int(clamping: limit.rlim_max))
        var plan = given.plan(for: wanted)
        if plan.soft > given.soft {
            limit.rlim_cur = rlim_t(plan.soft)
            if unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 {
                plan = DescriptorLimit(soft: given.soft, hard: given.soft).plan(for: wanted)
            }
        }
        if plan.connections < wanted {
            logger.warning(
                "the limit on open files allows fewer connections than the ingress would accept",
                metadata: ["connections": "\(plan.connections)", "wanted": "\(wanted)", "open files": "\(plan.soft)", "needed": "\(wanted + reserve)"])
        }
        return plan.connections
    }
}
