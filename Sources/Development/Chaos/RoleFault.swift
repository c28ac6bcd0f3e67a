import Glibc
import LocalState

/// A fault of the processes of a role.
struct RoleFault: Fault {
    enum Act: Sendable {
        /// `kill -9` of all of them at once.
        case kill
        /// All of them are stopped, and continue later with what they held.
        case stopAll
        /// One of them is stopped, while the others take over its work.
        case stopOne
        /// Each in turn is asked to end, and the next one when it runs again.
        case restart
    }

    let role: String
    let act: Act

    func inject(into shop: ChaosShop) async throws {
        let processes = await shop.processes(of: role)
        switch act {
        case .kill: try await shop.end(processes, by: SIGKILL)
        case .stopAll: for process in processes { Glibc.kill(process.pid, SIGSTOP) }
        case .stopOne: for process in processes.prefix(1) { Glibc.kill(process.pid, SIGSTOP) }
        case .restart: for process in processes { try await shop.end([process], by: SIGTERM) }
        }
    }

    func restore(in shop: ChaosShop) async throws {
        guard act == .stopAll || act == .stopOne else { return }
        for process in await shop.processes(of: role) { Glibc.kill(process.pid, SIGCONT) }
    }
}
