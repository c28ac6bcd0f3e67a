import FoundationEssentials
import Glibc
import Secrets
import Terminal

/// The folder `.wharf`: everything that `wharf-dev up` keeps between runs. Deleting it, while nothing runs, starts over.
package struct StateFolder: Sendable {
    package static let name = ".wharf"
    /// Where PostgreSQL's data goes when its account cannot enter the state folder.
    package static let outside = "/var/lib/wharf"
    package static let secretsFile = "secrets.json"
    package static let recordFile = "up.json"
    package static let portsFile = "ports.json"
    package static let catalogueFile = "catalogue.json"
    /// All settings of this run, for commands that are run beside it (`Settings.load`); it exists while the run does.
    package static let environmentFile = "environment.json"
    /// The settings for connecting to the servers of `wharf-dev servers`. The file exists while they run.
    package static let serversFile = "servers.json"

    /// Absolute.
    package let path: String

    package init(path: String) {
        self.path = path
    }

    /// The state folder of the working folder.
    package init() {
        self.init(path: "\(FileManager.default.currentDirectoryPath)/\(Self.name)")
    }

    package func file(_ name: String) -> String { "\(path)/\(name)" }

    package var rabbitMQ: String { file("rabbitmq") }
    package var redis: String { file("redis") }
    package var mail: String { file("mail") }
    package var ledger: String { file("sandbox.ndjson") }
    package var logs: String { file("logs") }
    /// The file with the number of seconds by which the shop's clock is ahead.
    package var clock: String { file("clock") }
    package func log(of process: String) -> String { "\(logs)/\(process).log" }

    /// Makes the folder for this account alone. When root owns it, others may pass through, for PostgreSQL's account.
    package func create(isRoot: Bool = geteuid() == 0) throws(UpError) {
        do {
            for (folder, mode) in [(path, isRoot ? 0o711 : 0o700), (logs, 0o700), (mail, 0o700)] {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: folder)
                guard unsafe access(folder, W_OK | X_OK) == 0 else { throw CocoaError(.fileWriteNoPermission) }
            }
        } catch {
            throw UpError(.folder, "Cannot make the folder \(path): \(FileTrouble.reason(error)).", advice: "Run wharf in a folder that you may write to.")
        }
    }

    /// The value that a file of the folder holds; nil when there is no such file.
    package func read<Value: Decodable>(_ type: Value.Type = Value.self, from name: String) throws(UpError) -> Value? {
        guard let data = try? Data(contentsOf: URL(filePath: file(name))) else { return nil }
        do {
            let decoder = JSONDecoder()
            decoder.dateDecodingStrategy = .iso8601
            return try decoder.decode(type, from: data)
        } catch {
            throw UpError(.folder, "\(file(name)) cannot be understood: \(error)", advice: "Repair it or delete it.")
        }
    }

    /// Writes a value to a file that only this account may read. A reader sees the old one or the new one, never a part.
    package func write(_ value: some Encodable, to name: String) throws(UpError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        let unfinished = file("\(name).new")
        do {
            let data = try encoder.encode(value)
            try? FileManager.default.removeItem(atPath: unfinished)
            guard FileManager.default.createFile(atPath: unfinished, contents: data, attributes: [.posixPermissions: 0o600]) else {
                throw UpError(.folder, "Cannot write \(unfinished).", advice: "Run wharf as an account that may write there.")
            }
        } catch let error as UpError {
            throw error
        } catch {
            throw UpError(.folder, "Cannot write \(file(name)): \(FileTrouble.reason(error)).")
        }
        guard unsafe rename(unfinished, file(name)) == 0 else { throw UpError(.folder, "Cannot replace \(file(name)).") }
    }

    package func remove(_ name: String) {
        try? FileManager.default.removeItem(atPath: file(name))
    }
}

extension StateFolder {
    /// Where PostgreSQL's data goes: into the state folder, unless PostgreSQL must run as another account (it refuses root) that cannot get
    /// there, as below `/root`. Then it goes to a folder of its own in `/var/lib/wharf`, and `.wharf/postgres` is a link to it.
    package func postgres(isRoot: Bool = geteuid() == 0) throws(UpError) -> String {
        let inside = file("postgres")
        guard isRoot, !Self.isEnterableByAll(path) else { return inside }
        let parent = "\(Self.outside)/\(SHA256.hex(path).prefix(16))"
        let folder = "\(parent)/postgres"
        do {
            for passage in [Self.outside, parent] {
                try FileManager.default.createDirectory(atPath: passage, withIntermediateDirectories: true)
                try FileManager.default.setAttributes([.posixPermissions: 0o711], ofItemAtPath: passage)
            }
            if (try? FileManager.default.destinationOfSymbolicLink(atPath: inside)) != folder {
                try? FileManager.default.removeItem(atPath: inside)
                try FileManager.default.createSymbolicLink(atPath: inside, withDestinationPath: folder)
            }
        } catch {
            throw UpError(.folder, "Cannot prepare \(folder): \(FileTrouble.reason(error)).")
        }
        return folder
    }

    /// Whether every account may pass through the folder and all folders above it.
    static func isEnterableByAll(_ path: String) -> Bool {
        var folder = path
        while true {
            guard let attributes = FileAttributes(of: folder), attributes.permissions & 0o001 != 0 else { return false }
            guard folder != "/", let slash = folder.lastIndex(of: "/") else { return true }
            folder = slash == folder.startIndex ? "/" : String(folder[..<slash])
        }
    }
}
