import Assembly
import LocalServers
import LocalState

/// The processes that `wharf-dev up` runs.
package struct ProcessGroup: Sendable {
    /// A role cuts off its own shutdown before that, and logs it.
    package static let grace = Assembly.workerGrace

    package let ingress: [ProcessSupervisor]
    package let console: [ProcessSupervisor]
    package let workers: [ProcessSupervisor]
    package let sandbox: [ProcessSupervisor]

    /// - Parameters:
    /// - members: none of them runs yet.
    /// - probe: finds out whether one has become ready.
    package init(_ members: [ChildSpec], executables: Executables, environment: ChildEnvironment, folder: StateFolder, probe: HealthProbe) {
        func supervisors(_ isMeant: (ChildSpec.Kind) -> Bool) -> [ProcessSupervisor] {
            members.filter { isMeant($0.kind) }.map { member in
                let log = LogFile(path: folder.log(of: member.name))
                let command = ProcessCommand(
                    executables.path(of: member.kind), member.arguments, environment: environment.variables(for: member.kind), inheritsEnvironment: false)
                let process = ManagedProcess(name: member.name, command: command, output: .file(log.path))
                return ProcessSupervisor(
                    name: member.name, role: member.role, process: process, log: log,
                    start: { try await process.start() }, stop: { await process.stop(grace: Self.grace) },
                    isReady: { await probe.isReady($0) },
                    health: {
                        guard let pid = await process.pid else { return .init(.ended) }
                        return await probe.health(ofRole: pid)
                    })
            }
        }
        ingress = supervisors { $0 == .ingress }
        console = supervisors { $0 == .console }
        workers = supervisors { if case .worker = $0 { true } else { false } }
        sandbox = supervisors { if case .sandbox = $0 { true } else { false } }
    }

    /// Ends them all at once and returns when they have ended.
    package static func stop(_ supervisors: [ProcessSupervisor]) async {
        await withTaskGroup(of: Void.self) { group in
            for supervisor in supervisors { group.addTask { await supervisor.stop() } }
        }
    }
}
