//! Agents that somebody else runs, which Buildkite sells: clients ask every queue for them. There are none here, so the types have no values; what
//! would make one is refused.

#![expect(
    unreachable_code,
    reason = "the library writes code behind each field, and no field of these is ever reached"
)]

use async_graphql::{Enum, InputObject, Object};
use countersign_control::{Error, Result};

/// How the hosted agents of a queue are built. There are none.
pub(crate) enum HostedAgentQueueSettings {}

#[Object]
impl HostedAgentQueueSettings {
    /// How large they are.
    async fn instance_shape(&self) -> Option<HostedAgentInstanceShape> {
        match *self {}
    }

    /// What runs on them.
    async fn platform_settings(&self) -> Option<HostedAgentPlatformSettings> {
        match *self {}
    }
}

/// How large a hosted agent is.
pub(crate) enum HostedAgentInstanceShape {}

#[Object]
impl HostedAgentInstanceShape {
    /// Its processor.
    async fn architecture(&self) -> Option<HostedAgentArchitecture> {
        match *self {}
    }

    /// Its sort.
    async fn machine_type(&self) -> Option<HostedAgentMachineType> {
        match *self {}
    }

    /// Its memory.
    async fn memory(&self) -> Option<i32> {
        match *self {}
    }

    /// What it is called.
    async fn name(&self) -> Option<HostedAgentInstanceShapeName> {
        match *self {}
    }

    /// Its size in a word.
    async fn size(&self) -> Option<HostedAgentSize> {
        match *self {}
    }

    /// Its processors.
    async fn vcpu(&self) -> Option<i32> {
        match *self {}
    }
}

/// What runs on hosted agents.
pub(crate) enum HostedAgentPlatformSettings {}

#[Object]
impl HostedAgentPlatformSettings {
    /// On Linux.
    async fn linux(&self) -> Option<HostedAgentLinuxSettings> {
        match *self {}
    }

    /// On macOS.
    async fn macos(&self) -> Option<HostedAgentMacOsSettingsType> {
        match *self {}
    }
}

/// What runs on hosted agents with Linux.
pub(crate) enum HostedAgentLinuxSettings {}

#[Object]
impl HostedAgentLinuxSettings {
    /// Their image.
    async fn agent_image_ref(&self) -> Option<String> {
        match *self {}
    }
}

/// What runs on hosted agents with macOS.
pub(crate) enum HostedAgentMacOsSettingsType {}

#[Object(name = "HostedAgentMacOSSettingsType")]
impl HostedAgentMacOsSettingsType {
    /// Their macOS.
    async fn macos_version(&self) -> Option<HostedAgentMacOsVersion> {
        match *self {}
    }

    /// Their Xcode.
    async fn xcode_version(&self) -> Option<String> {
        match *self {}
    }
}

/// The processor of a hosted agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "HostedAgentArchitecture")]
pub(crate) enum HostedAgentArchitecture {
    /// x86-64.
    Amd64,
    /// ARM.
    Arm64,
}

/// The sort of a hosted agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum HostedAgentMachineType {
    /// Linux.
    Linux,
    /// macOS.
    Macos,
}

/// The size of a hosted agent in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum HostedAgentSize {
    ExtraExtraLarge,
    ExtraLarge,
    Large,
    Medium,
    Small,
    ThreeXl,
}

/// A version of macOS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "HostedAgentMacOSVersion")]
pub(crate) enum HostedAgentMacOsVersion {
    GoldenGate,
    Sequoia,
    Sonoma,
    Tahoe,
    #[graphql(name = "TAHOE_26_6")]
    Tahoe266,
    TahoeSlim,
}

/// What a size of hosted agents is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum HostedAgentInstanceShapeName {
    #[graphql(name = "LINUX_AMD64_16X64")]
    LinuxAmd16x64,
    #[graphql(name = "LINUX_AMD64_2X4")]
    LinuxAmd2x4,
    #[graphql(name = "LINUX_AMD64_32X128")]
    LinuxAmd32x128,
    #[graphql(name = "LINUX_AMD64_4X16")]
    LinuxAmd4x16,
    #[graphql(name = "LINUX_AMD64_64X256")]
    LinuxAmd64x256,
    #[graphql(name = "LINUX_AMD64_8X32")]
    LinuxAmd8x32,
    #[graphql(name = "LINUX_ARM64_16X64")]
    LinuxArm16x64,
    #[graphql(name = "LINUX_ARM64_2X4")]
    LinuxArm2x4,
    #[graphql(name = "LINUX_ARM64_32X128")]
    LinuxArm32x128,
    #[graphql(name = "LINUX_ARM64_4X16")]
    LinuxArm4x16,
    #[graphql(name = "LINUX_ARM64_64X256")]
    LinuxArm64x256,
    #[graphql(name = "LINUX_ARM64_8X32")]
    LinuxArm8x32,
    #[graphql(name = "MACOS_ARM64_M4_12X56")]
    MacosArmM412x56,
    #[graphql(name = "MACOS_ARM64_M4_6X28")]
    MacosArmM46x28,
}

/// Hosted agents for a new queue: not to be had.
#[derive(InputObject)]
pub(crate) struct HostedAgentsQueueSettingsCreateInput {
    /// How large they are to be.
    #[graphql(name = "instanceShape")]
    _instance_shape: HostedAgentInstanceShapeName,
    /// What is to run on them.
    #[graphql(name = "platformSettings")]
    _platform_settings: Option<HostedAgentsPlatformSettingsInput>,
}

/// Other hosted agents for a queue: not to be had.
#[derive(InputObject)]
pub(crate) struct HostedAgentsQueueSettingsUpdateInput {
    /// Their image.
    #[graphql(name = "agentImageRef")]
    _agent_image_ref: Option<String>,
    /// How large they are to be.
    #[graphql(name = "instanceShape")]
    _instance_shape: Option<HostedAgentInstanceShapeName>,
    /// What is to run on them.
    #[graphql(name = "platformSettings")]
    _platform_settings: Option<HostedAgentsPlatformSettingsInput>,
}

/// What is to run on hosted agents.
#[derive(InputObject)]
pub(crate) struct HostedAgentsPlatformSettingsInput {
    /// On Linux.
    #[graphql(name = "linux")]
    _linux: Option<HostedAgentsLinuxPlatformSettingsInput>,
    /// On macOS.
    #[graphql(name = "macos")]
    _macos: Option<HostedAgentsMacosPlatformSettingsInput>,
}

/// What is to run on hosted agents with Linux.
#[derive(InputObject)]
pub(crate) struct HostedAgentsLinuxPlatformSettingsInput {
    /// Their image.
    #[graphql(name = "agentImageRef")]
    _agent_image_ref: Option<String>,
}

/// What is to run on hosted agents with macOS.
#[derive(InputObject)]
pub(crate) struct HostedAgentsMacosPlatformSettingsInput {
    /// Their macOS.
    #[graphql(name = "macosVersion")]
    _macos_version: Option<HostedAgentMacOsVersion>,
    /// Their Xcode.
    #[graphql(name = "xcodeVersion")]
    _xcode_version: Option<String>,
}

/// Refuses a wish for hosted agents.
///
/// # Errors
/// [`Error::Invalid`] at `hostedAgents` when there is one.
pub(crate) fn refuse<T>(wanted: Option<&T>) -> Result<()> {
    match wanted {
        None => Ok(()),
        Some(_) => Err(Error::invalid(
            "hostedAgents",
            "are not to be had here: every agent is your own; leave this out and start agents with a token of the cluster",
        )),
    }
}
