import FoundationEssentials

/// What runs, as `up.json` tells `wharf status` and others. No secret is in it.
struct RunRecord: Codable, Sendable, Equatable {
    enum State: String, Codable, Sendable {
        case starting, ready, stopping
    }

    struct Process: Codable, Sendable, Equatable {
        let name: String
        /// `ingress`, `sandbox`, a service, `rabbitmq`, `postgresql`, `redis`.
        let role: String
        var pid: Int32
        var startedAt: Date
        /// How often it was started again.
        var restarts: Int
    }

    /// Of `wharf up` itself.
    let pid: Int32
    let startedAt: Date
    var state: State
    /// `host:port`.
    let httpAddress: String
    let url: String
    /// Absent with a real payment gateway.
    let sandboxURL: String?
    /// Without credentials.
    let managementURL: String
    let adminEmail: String
    var processes: [Process] = []

    /// Notes that a process was started, for the first time or again.
    mutating func began(_ name: String, role: String, pid: Int32, at now: Date) {
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
actor RunRecorder {
    private let folder: StateFolder
    private(set) var record: RunRecord
    private let complain: @Sendable (String) -> Void

    /// - Parameter complain: told when the file cannot be written later on; what runs goes on.
    init(folder: StateFolder, record: RunRecord, complain: @escaping @Sendable (String) -> Void) throws(UpError) {
        self.folder = folder
        self.record = record
        self.complain = complain
        try folder.write(record, to: StateFolder.recordFile)
    }

    func began(_ name: String, role: String, pid: Int32) {
        record.began(name, role: role, pid: pid, at: Date())
        write()
    }

    func enter(_ state: RunRecord.State) {
        record.state = state
        write()
    }

    func remove() {
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
