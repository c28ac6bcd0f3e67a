import FoundationEssentials

/// What is running, as `up.json` reports it to `wharf status` and others. It holds no secrets.
package struct RunRecord: Codable, Sendable, Equatable {
    package enum State: String, Codable, Sendable {
        case starting, ready, stopping
    }

    package struct Process: Codable, Sendable, Equatable {
        package let name: String
        /// `ingress`, `console`, `sandbox`, a service, `rabbitmq`, `postgresql`, `redis`.
        package let role: String
        package var pid: Int32
        package var startedAt: Date
        /// How often it was restarted.
        package var restarts: Int
    }

    /// Of `wharf-dev up` itself.
    package let pid: Int32
    package let startedAt: Date
    package var state: State
    /// `host:port`.
    package let httpAddress: String
    package let url: String
    /// The URL of the web console.
    package let consoleURL: String?
    /// Absent with a real payment gateway.
    package let sandboxURL: String?
    /// Without credentials.
    package let managementURL: String
    package let adminEmail: String
    package var processes: [Process] = []

    package init(
        pid: Int32, startedAt: Date, state: State, httpAddress: String, url: String, consoleURL: String? = nil, sandboxURL: String?, managementURL: String,
        adminEmail: String, processes: [Process] = []
    ) {
        self.pid = pid
        self.startedAt = startedAt
        self.state = state
        self.httpAddress = httpAddress
        self.url = url
        self.consoleURL = consoleURL
        self.sandboxURL = sandboxURL
        self.managementURL = managementURL
        self.adminEmail = adminEmail
        self.processes = processes
    }

    /// Records that a process was started, for the first time or again.
    package mutating func began(_ name: String, role: String, pid: Int32, at now: Date) {
        if let index = processes.firstIndex(where: { $0.name == name }) {
            processes[index].pid = pid
            processes[index].startedAt = now
            processes[index].restarts += 1
        } else {
            processes.append(Process(name: name, role: role, pid: pid, startedAt: now, restarts: 0))
        }
    }
}

/// Keeps `up.json` up to date.
package actor RunRecorder {
    private let folder: StateFolder
    package private(set) var record: RunRecord
    private let complain: @Sendable (String) -> Void

    /// - Parameter complain: receives the error when the file cannot be written later on; the processes go on running.
    package init(folder: StateFolder, record: RunRecord, complain: @escaping @Sendable (String) -> Void) throws(UpError) {
        self.folder = folder
        self.record = record
        self.complain = complain
        try folder.write(record, to: StateFolder.recordFile)
    }

    package func began(_ name: String, role: String, pid: Int32) {
        record.began(name, role: role, pid: pid, at: Date())
        write()
    }

    package func enter(_ state: RunRecord.State) {
        record.state = state
        write()
    }

    package func remove() {
        folder.remove(StateFolder.recordFile)
    }

    private func write() {
        do {
            try folder.write(record, to: StateFolder.recordFile)
        } catch {
            complain("\(error)")
        }
    }
}
