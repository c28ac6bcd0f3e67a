/// Erlang's port mapper, epmd: it lets the nodes of one machine find each other.
struct PortMapper: Sendable {
    let port: Int
    let folder: ServerFolder

    /// In the foreground.
    func server() throws -> ProcessCommand {
        ProcessCommand(
            try program(), ["-port", "\(port)", "-address", "127.0.0.1"], inheritsEnvironment: false, workingFolder: folder.path)
    }

    func process() throws -> ManagedProcess {
        ManagedProcess(name: "epmd", command: try server(), output: .file(folder.file("epmd.log")))
    }

    /// Starts it unless it runs. A node that finds no port mapper starts one that outlives it.
    func start(_ process: ManagedProcess) async throws {
        guard await !process.isRunning else { return }
        let names = ProcessCommand(try program(), ["-port", "\(port)", "-names"], inheritsEnvironment: false)
        try await process.start()
        try await Readiness(process: process, folder: folder).wait { try await Tool.attempt(names).isSuccess }
    }

    private func program() throws -> String { try Programs.find("epmd", package: "erlang-base") }
}
