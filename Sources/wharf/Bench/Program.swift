import LocalServers

/// Somebody else's program, run to its end.
struct Program: Sendable {
    let name: String
    let arguments: [String]
    var environment: [String: String] = [:]
    /// nil for that of this process.
    var workingFolder: String?

    /// - Returns: the lines that it printed.
    /// - Throws: ``BenchError``: `missing` when there is no such program, `failed` with the end of what it printed, `deadline`.
    func run(within limit: Duration) async throws -> [String] {
        let printed = LineStore()
        let process = ManagedProcess(
            name: name, command: ProcessCommand("/usr/bin/env", [name] + arguments, environment: environment, inheritsEnvironment: false, workingFolder: workingFolder),
            output: .lines { printed.add($0) })
        try await process.start()
        let (status, isLate) = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                let isOver = (try? await Task.sleep(for: limit)) != nil
                await process.kill()
                return isOver
            }
            let status = await process.exit
            group.cancelAll()
            return (status, await group.next() ?? false)
        }
        try Task.checkCancellation()
        if isLate { throw BenchError(.deadline, "\(name) took longer than \(limit.inSeconds).") }
        if status == .exited(127) { throw BenchError(.missing, "\(name) is not installed; make packages installs what is needed.") }
        guard status == .exited(0) else {
            throw BenchError(.failed, "\(name) \(status.map(Keeper.describe) ?? "did not run"):\n\(printed.last(5).joined(separator: "\n"))")
        }
        return printed.all
    }
}
