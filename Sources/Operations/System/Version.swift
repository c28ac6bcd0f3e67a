/// The version of Wharf, which is also the version of its API.
public enum Version {
    public static let current = "1.0.0"
}
