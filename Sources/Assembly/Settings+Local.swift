import FoundationEssentials
import Operations

extension Settings {
    /// Not a service: whose URL is the common one, which is an administrator's where services have their own.
    package static let administrator = "administrator"
    /// What `wharf-dev up` has written for the commands that are run beside it in the same folder.
    static let localFile = ".wharf/environment.json"

    /// The environment's settings; those that it does not have, as `wharf-dev up` in this folder uses them.
    package static func load(environment: [String: String] = ProcessInfo.processInfo.environment) throws -> Settings {
        guard let data = try? Data(contentsOf: URL(filePath: localFile)),
            let local = try? JSONDecoder().decode([String: String].self, from: data)
        else { return try Settings(environment: environment) }
        return try Settings(environment: environment.merging(local.filter { environment["\($0.key)_FILE", default: ""].isEmpty }) { own, _ in own })
    }
}
