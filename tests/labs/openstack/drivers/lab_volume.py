"""A Cinder back end that stores nothing: every volume, snapshot and copy succeeds at once."""

from cinder.volume import driver

SIZE = 100_000


class LabVolumeDriver(driver.VolumeDriver):
    VERSION = "1.0"

    def check_for_setup_error(self):
        pass

    def _update_volume_stats(self):
        self._stats = {
            "volume_backend_name": "fake",
            "vendor_name": "lab",
            "driver_version": self.VERSION,
            "storage_protocol": "fake",
            "total_capacity_gb": SIZE,
            "free_capacity_gb": SIZE,
            "reserved_percentage": 0,
            "QoS_support": False,
            "multiattach": True,
        }

    def create_volume(self, volume):
        pass

    def create_volume_from_snapshot(self, volume, snapshot):
        pass

    def create_cloned_volume(self, volume, src_vref):
        pass

    def clone_image(self, context, volume, image_location, image_meta, image_service):
        return {}, True  # done: nothing is copied

    def copy_volume_to_image(self, context, volume, image_service, image_meta):
        image_service.update(context, image_meta["id"], {}, b"\0")

    def extend_volume(self, volume, new_size):
        pass

    def delete_volume(self, volume):
        pass

    def create_snapshot(self, snapshot):
        pass

    def delete_snapshot(self, snapshot):
        pass

    def ensure_export(self, context, volume):
        pass

    def create_export(self, context, volume, connector):
        pass

    def remove_export(self, context, volume):
        pass

    def initialize_connection(self, volume, connector):
        return {"driver_volume_type": "fake", "data": {"volume_id": volume.id}}

    def terminate_connection(self, volume, connector, **kwargs):
        pass
